"""Features on the wire."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from fh.model.feature_type import FeatureType
from fh.model.ids import FeatureFilterId, FeatureId
from fh.mr.repositories import features as rows
from fh.mr.repositories.features import FeatureText
from fh.mr.services.features import FeatureChange, NewFeature

Key: TypeAlias = Annotated[str, Meta(min_length=1, max_length=255)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=255)]
Alias: TypeAlias = Annotated[str, Meta(max_length=255)]
Link: TypeAlias = Annotated[str, Meta(max_length=600)]
Description: TypeAlias = Annotated[str, Meta(max_length=300)]


class Feature(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A feature; its metadata only where it was asked for."""

    key: str
    name: str
    id: FeatureId | None = None
    value_type: FeatureType | None = None
    version: int | None = None
    secret: bool | None = None
    alias: str | None = None
    link: str | None = None
    description: str | None = None
    meta_data: str | None = None
    feature_filter: tuple[FeatureFilterId, ...] | None = None


class FeatureContent(Struct, frozen=True, rename="camel"):
    """What clients send as a `Feature`: of what they got, the members that count."""

    name: Name
    key: Key | None = None
    value_type: FeatureType | None = None
    version: int | None = None
    secret: bool | None = None
    alias: Alias | None = None
    link: Link | None = None
    description: Description | None = None
    meta_data: str | None = None
    feature_filter: tuple[FeatureFilterId, ...] | None = None


class CreateFeature(Struct, frozen=True, rename="camel"):
    """A feature to be."""

    key: Key
    name: Name
    value_type: FeatureType
    secret: bool | None = None
    alias: Alias | None = None
    link: Link | None = None
    description: Description | None = None
    meta_data: str | None = None
    feature_filter: tuple[FeatureFilterId, ...] | None = None


FeatureBatch: TypeAlias = Annotated[list[CreateFeature], Meta(max_length=1000)]
"""Features to be, all of them or none."""


def feature_body(
    feature: rows.Feature,
    *,
    meta_data: bool = False,
    filters: Sequence[FeatureFilterId] = (),
) -> Feature:
    """Return a feature, with its metadata and its filters on demand."""
    text = feature.text
    return Feature(
        key=text.key,
        name=text.name,
        id=feature.id,
        value_type=feature.value_type,
        version=feature.version,
        secret=text.secret,
        alias=text.alias,
        link=text.link,
        description=text.description,
        meta_data=text.meta_data if meta_data else None,
        feature_filter=tuple(filters) or None,
    )


def feature_text(body: FeatureContent | CreateFeature) -> FeatureText:
    """Return what a client wrote about a feature."""
    return FeatureText(
        key=body.key or "",
        name=body.name,
        alias=body.alias,
        link=body.link,
        description=body.description,
        meta_data=body.meta_data,
        secret=bool(body.secret),
    )


def new_feature(body: CreateFeature) -> NewFeature:
    """Return what a client wants to be created."""
    return NewFeature(feature_text(body), body.value_type, body.feature_filter or ())


def feature_change(body: FeatureContent) -> FeatureChange:
    """Return what a client wants a feature to be."""
    return FeatureChange(feature_text(body), body.value_type, body.version, body.feature_filter)
