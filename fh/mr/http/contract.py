"""What the OpenAPI document of the admin API says beyond its route tables.

Each operation's own refusals, including those of operations that only some roles serve, and the
members of answers that lead on to other operations.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from fh.http.idempotency import PARAMETER
from fh.http.info import installed_version
from fh.http.openapi import Contract, Link

_DESCRIPTION: Final = (
    "Manages portfolios, applications, environments, features and their values, and who may do "
    "what with them."
)

# 401, 404 for unknown identifiers in the path and 400 for what can't be read go without saying.
_REFUSED: Final[Mapping[str, Sequence[int]]] = {
    # Set-up, logging in
    "isInstalled": (404,),
    "setupSiteAdmin": (409,),
    "login": (403, 404, 429),
    "registerPerson": (404, 429),
    "personByToken": (404,),
    "getLoginUrlForProvider": (404,),
    "replaceTempPassword": (403,),
    "changePassword": (403, 429),
    "resetPassword": (403,),
    "resetExpiredToken": (403, 404),
    # People and groups
    "findPeople": (403,),
    "createPerson": (403, 404, 409),
    "getPerson": (403, 404),
    "updatePerson": (403, 404, 409, 422),
    "updatePersonV2": (403, 404, 409, 422),
    "deletePerson": (403, 404),
    "resetSecurityToken": (403,),
    "findGroups": (403,),
    "createGroup": (403, 409),
    "updateGroupOnPortfolio": (403, 409, 412, 422),
    "updateGroupOnPortfolioV2": (403, 409, 412, 422),
    "deleteGroup": (403,),
    "addPersonsToGroup": (403,),
    "addPersonToGroup": (403,),
    "deletePersonFromGroup": (403,),
    # Portfolios, applications, environments
    "createPortfolio": (403, 409),
    "updatePortfolioOnOrganisation": (403, 404, 409, 422),
    "updatePortfolio": (403, 409, 422),
    "deletePortfolio": (403,),
    "createApplication": (403, 409),
    "updateApplicationOnPortfolio": (403, 409, 422),
    "getApplication": (403,),
    "updateApplication": (403, 409, 422),
    "deleteApplication": (403,),
    "summaryApplication": (403,),
    "createEnvironment": (403, 409),
    "createEnvironmentOnApplication": (403, 409),
    "updateEnvironmentOnApplication": (403, 409, 422),
    "environmentOrdering": (403,),
    "getEnvironment": (403,),
    "updateEnvironment": (403, 409, 422),
    "updateEnvironmentV2": (403, 409, 422),
    # Features and values
    "getAllFeaturesForApplication": (403,),
    "createFeaturesForApplication": (403, 409),
    "createFeatureBatch": (403, 409, 412),
    "updateFeatureForApplicationOnFeature": (403, 409, 422),
    "getFeatureByKey": (403,),
    "updateFeatureForApplication": (403, 409, 422),
    "deleteFeatureForApplication": (403,),
    "updateAllFeatureValuesByApplicationForKey": (403, 409, 412, 422),
    "getFeaturesForEnvironment": (403,),
    "updateAllFeaturesForEnvironment": (403, 409, 412, 422),
    "getFeatureForEnvironment": (403,),
    "updateFeatureForEnvironment": (403, 409, 412, 422),
    "createFeatureForEnvironment": (403, 409, 412, 422),
    "listFeatureHistory": (403,),
    # Service accounts
    "createServiceAccountInPortfolio": (403, 409),
    "updateServiceAccountOnPortfolio": (403, 409, 422),
    "getServiceAccount": (403,),
    "updateServiceAccount": (403, 409, 422),
    "deleteServiceAccount": (403,),
    "resetApiKey": (403,),
    # Strategies, groups of features, filters
    "listApplicationStrategies": (403,),
    "createApplicationStrategy": (403, 409, 422),
    "getApplicationStrategy": (403,),
    "updateApplicationStrategy": (403, 409, 422),
    "deleteApplicationStrategy": (403,),
    "listFeatureGroups": (403,),
    "createFeatureGroup": (403, 409, 422),
    "updateFeatureGroup": (403, 409, 412, 413, 414, 422),
    "getFeatureGroup": (403,),
    "deleteFeatureGroup": (403,),
    "getFeatureGroupFeatures": (403,),
    "findFeatureFilters": (403,),
    "createFeatureFilter": (403, 409),
    "updateFeatureFilter": (403, 409),
    "getFeatureFilter": (403,),
    "deleteFeatureFilter": (403, 409),
    "getMatchingFilters": (403,),
    # The reader's own view, webhooks, the system
    "getHiddenEnvironments": (403,),
    "saveHiddenEnvironments": (403, 422),
    "testWebhook": (403, 404),
    "listWebhooks": (403,),
    "getWebhookDetails": (403,),
    "getTrackedEvents": (403, 404),
    "getSystemConfig": (403, 404),
    "createOrUpdateSystemConfigs": (403, 404),
    "decryptSystemConfig": (403, 404),
    "cacheRefresh": (403, 404),
}

_FEATURE_READERS: Final = ("getFeatureByKey", "updateFeatureForApplication")
_LINKS: Final = (
    *(
        Link("createPortfolio", "/id", target, "id")
        for target in (
            "getPortfolio",
            "updatePortfolio",
            "createApplication",
            "findApplications",
            "findGroups",
            "createGroup",
            "createServiceAccountInPortfolio",
            "searchServiceAccountsInPortfolio",
            "findFeatureFilters",
            "createFeatureFilter",
            "deletePortfolio",
        )
    ),
    *(
        Link("createApplication", "/id", target, parameter)
        for target, parameter in (
            ("getApplication", "appId"),
            ("summaryApplication", "appId"),
            ("findEnvironments", "id"),
            ("createEnvironmentOnApplication", "id"),
            ("createFeaturesForApplication", "id"),
            ("createFeatureBatch", "id"),
            ("getAllFeaturesForApplication", "id"),
            ("findAllFeatureAndFeatureValuesForEnvironmentsByApplication", "id"),
            ("createApplicationStrategy", "appId"),
            ("listFeatureHistory", "appId"),
            ("deleteApplication", "appId"),
        )
    ),
    *(
        Link("createEnvironmentOnApplication", "/id", target, "eid")
        for target in (
            "getEnvironment",
            "updateEnvironmentV2",
            "getFeaturesForEnvironment",
            "updateAllFeaturesForEnvironment",
            "deleteEnvironment",
        )
    ),
    *(
        Link("createFeaturesForApplication", "/0/key", target, "key")
        for target in (*_FEATURE_READERS, "deleteFeatureForApplication")
    ),
    Link("createGroup", "/id", "getGroup", "gid"),
    Link("createGroup", "/id", "deleteGroup", "gid"),
    Link("createPerson", "/personId", "getPerson", "id"),
    Link("createServiceAccountInPortfolio", "/id", "getServiceAccount", "id"),
    Link("createServiceAccountInPortfolio", "/id", "resetApiKey", "id"),
    Link("createServiceAccountInPortfolio", "/id", "deleteServiceAccount", "id"),
    Link("createFeatureGroup", "/id", "getFeatureGroup", "fgId"),
    Link("createFeatureFilter", "/id", "getFeatureFilter", "filterId"),
    Link("createApplicationStrategy", "/id", "getApplicationStrategy", "appStrategyId"),
)


def mr_contract(root: Sequence[str]) -> Contract:
    """Return the contract of the admin API below the segments `root`."""
    return Contract(
        title="fh management repository",
        version=installed_version(),
        description=_DESCRIPTION,
        root="".join(f"/{segment}" for segment in root),
        refused=_REFUSED,
        plain={"saveHiddenEnvironments": (422,)},  # the reason, for people
        links=_LINKS,
        write_headers=[dict(PARAMETER)],
    )
