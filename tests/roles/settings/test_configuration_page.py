from tests.roles.settings.configuration_page import PAGE, with_tables


def test_the_page_lists_what_there_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(page), "python -m tests.roles.settings.configuration_page"
