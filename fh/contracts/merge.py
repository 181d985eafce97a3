"""Which of two versions of one feature is the newer one.

A feature and its value in an environment are versioned apart, so each part is compared for
itself: a message that carries a newer name never rolls a value back.

Source: section 5.9 of the data plane's contract, with its rulings.
"""

from fh.contracts.published import CacheEnvironmentFeature


def merged(
    known: CacheEnvironmentFeature, incoming: CacheEnvironmentFeature
) -> CacheEnvironmentFeature:
    """Return the newer parts of both; one of the two itself where it holds them all."""
    newer_feature = incoming.feature.version > known.feature.version
    newer_value = incoming.value is not None and (
        known.value is None or incoming.value.version > known.value.version
    )
    if not newer_feature and not newer_value:
        return known
    # Whoever merges the same keeps the same object, and sees at once that others have it, too.
    if (newer_feature or incoming.feature == known.feature) and (
        newer_value or incoming.value == known.value
    ):
        return incoming
    return CacheEnvironmentFeature(
        feature=incoming.feature if newer_feature else known.feature,
        value=incoming.value if newer_value else known.value,
        properties=incoming.properties,
    )
