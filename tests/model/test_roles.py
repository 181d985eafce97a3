from fh.model.roles import ApplicationRole, Role


def test_the_rights_in_an_environment_have_their_wire_names() -> None:
    assert [*Role] == ["READ", "LOCK", "UNLOCK", "CHANGE_VALUE", "EXTENDED_DATA"]


def test_the_rights_in_an_application_have_their_wire_names() -> None:
    assert [*ApplicationRole] == [
        "FEATURE_EDIT",
        "FEATURE_CREATE",
        "FEATURE_EDIT_AND_DELETE",
        "APP_STRATEGY_EDIT",
        "APP_STRATEGY_CREATE",
        "APP_STRATEGY_EDIT_AND_DELETE",
    ]
