"""Which test shows what the data plane's contract asks for.

Section 12 of the contract lists what conformance is made of, section 11 how each defect of the
other implementation is ruled. Every row names the tests that show it, wherever they live; what
nothing else shows is tried in this directory:

test_transcripts   streams, byte for byte, beside the golden text in `transcripts.py`
test_polls         what else polls have to be like
test_convergence   any order of the same messages ends in the same state
test_trouble       nothing temporary is told as final

A row without tests says why. `test_table.py` fails when a test that is named here is gone.
"""

CONVERGENCE = "tests/conformance/test_convergence.py"
POLLS_HERE = "tests/conformance/test_polls.py"
TRANSCRIPTS = "tests/conformance/test_transcripts.py"
TROUBLE = "tests/conformance/test_trouble.py"
CACHING = "tests/edge/test_caching.py"
FAULTS = "tests/edge/test_old_faults.py"
HOSTILE = "tests/edge/test_hostile_clients.py"
POLLS = "tests/edge/test_polls.py"
RESUMING = "tests/edge/test_resuming.py"
STREAMS = "tests/edge/test_streams.py"
SNAPSHOT = "tests/dacha/test_snapshot.py"
ETAG = "tests/wire/test_etag.py"
PERCENTAGE = "tests/strategies/test_percentage.py"
NUMBERS = "tests/strategies/test_match_number.py"
PATTERNS = "tests/strategies/test_patterns.py"
CONTEXT = "tests/strategies/test_context.py"
MERGE = "tests/contracts/test_merge.py"
DATABASE_LOSS = "tests/e2e/test_database_loss.py"
EVALUATE = "tests/strategies/test_evaluate.py"
STRINGS = "tests/strategies/test_match_string.py"
SETTINGS = "tests/roles/test_settings.py"
CONTEXT_HEADER = "tests/wire/test_context_header.py"

ITEMS: dict[str, tuple[str, ...]] = {
    "1 vectors of 1.4: contexts": (f"{ETAG}::test_a_context_has_its_known_tag",),
    "1 vectors of 4.5: buckets": (
        f"{PERCENTAGE}::test_a_key_falls_into_the_bucket_that_upstream_puts_it_into",
        f"{PERCENTAGE}::test_an_emoji_hashes_as_the_standard_says_not_as_upstreams_java_does",
    ),
    "1 vectors of 5.3: environments": (
        f"{ETAG}::test_an_environment_has_its_known_digest",
        f"{SNAPSHOT}::test_features_stand_in_the_order_of_the_etag",
    ),
    "2 matchers": ("tests/strategies/test_vectors.py::test_the_servers_examples_all_hold",),
    "3 polls: 400": (f"{POLLS_HERE}::test_no_key_is_400_and_no_usable_one_404",),
    "3 polls: 404": (
        f"{POLLS_HERE}::test_no_key_is_400_and_no_usable_one_404",
        f"{POLLS}::test_an_unknown_key_is_404_alone_and_an_empty_list_beside_a_known_one",
    ),
    "3 polls: 304 for one key and two": (
        f"{POLLS_HERE}::test_304_for_one_key_and_for_two_and_then_nothing_else",
        f"{POLLS_HERE}::test_one_key_that_changed_brings_everything_for_all",
    ),
    "3 polls: 503": (
        f"{POLLS}::test_a_key_that_can_not_be_known_now_is_503_for_the_whole_request",
        f"{TROUBLE}::test_a_poll_is_to_be_tried_again_and_then_answered",
    ),
    "3 polls: another context": (f"{POLLS}::test_the_context_is_part_of_the_etag",),
    "3 polls: another number of keys": (
        f"{POLLS_HERE}::test_304_for_one_key_and_for_two_and_then_nothing_else",
    ),
    "3 polls: extended data": (f"{POLLS_HERE}::test_extended_data_given_or_taken_is_another_etag",),
    "3 polls: sdkUrl": (f"{POLLS_HERE}::test_the_old_name_of_the_parameter_wins",),
    "3 polls: duplicates": (
        f"{POLLS_HERE}::test_the_name_of_a_cache_makes_no_other_key",
        f"{POLLS}::test_several_keys_are_answered_in_the_order_of_the_request",
    ),
    "3 polls: cache-control": (
        f"{POLLS_HERE}::test_who_decides_about_caching_whatever_the_status",
        f"{POLLS_HERE}::test_what_a_team_writes_starts_no_header_of_its_own",
    ),
    "4 writes": (
        "tests/edge/test_write.py::test_what_is_refused",
        "tests/edge/test_write.py::test_what_seems_to_be_there_already_is_handed_on_for_the_seeming_may_be_old",
        "tests/edge/test_write.py::test_the_first_check_that_fails_decides",
        "tests/edge/test_write.py::test_what_is_handed_on",
        "tests/e2e/test_sdk_writes.py::test_a_value_of_each_type_is_written",
    ),
    "5 streams: normal": (
        f"{TRANSCRIPTS}::test_a_stream_and_its_updates",
        f"{TRANSCRIPTS}::test_a_stream_for_a_context",
        f"{TRANSCRIPTS}::test_a_stream_of_an_sdk_that_evaluates_itself",
    ),
    "5 streams: unknown key": (f"{TRANSCRIPTS}::test_an_unknown_key",),
    "5 streams: not ready, then ready": (
        f"{TRANSCRIPTS}::test_a_key_that_is_not_ready_and_then_is",
        f"{TRANSCRIPTS}::test_a_key_that_is_never_ready_is_told_nothing_final",
    ),
    "5 streams: update during the snapshot": (
        f"{TRANSCRIPTS}::test_an_update_during_the_snapshot",
    ),
    "5 streams: delete": (f"{TRANSCRIPTS}::test_a_deletion",),
    "5 streams: retire": (f"{TRANSCRIPTS}::test_a_retirement_and_what_follows",),
    "5 streams: drop": (f"{TRANSCRIPTS}::test_a_stream_that_has_lived_long_enough",),
    "5 streams: heartbeat": (f"{TRANSCRIPTS}::test_heartbeats",),
    "5 streams: shutdown": (f"{TRANSCRIPTS}::test_a_shutdown",),
    "5 streams: up to date": (f"{TRANSCRIPTS}::test_a_client_that_is_up_to_date",),
    "5 streams: key taken away": (f"{TRANSCRIPTS}::test_a_key_that_is_taken_away",),
    "8 any order: environments": (
        f"{MERGE}::test_any_order_and_any_duplicates_end_at_the_newest_of_both_parts",
        f"{SNAPSHOT}::test_any_order_and_duplication_of_the_same_messages_ends_in_the_same_snapshot",
    ),
    "8 any order: accounts": (f"{CONVERGENCE}::test_accounts_end_the_same_in_any_order",),
    "8 any order: streams": (f"{CONVERGENCE}::test_sdks_end_the_same_in_any_order",),
    "10 the cache or MR is away": (
        f"{TROUBLE}::test_a_stream_that_waits_is_served_when_the_trouble_is_over",
        f"{TROUBLE}::test_a_live_stream_goes_on_while_nobody_can_say_what_it_may_see",
        "tests/dacha/test_lookup.py::test_mr_away_is_not_ready_until_it_is_back",
    ),
    "10 the database or the server is away": (
        f"{DATABASE_LOSS}::test_a_killed_database_is_started_again_and_ends_no_stream",
        "tests/e2e/test_server_loss.py::test_a_restart_is_survived",
    ),
}

RULINGS: dict[int, tuple[str, ...]] = {
    1: (f"{POLLS_HERE}::test_304_for_one_key_and_for_two_and_then_nothing_else",),
    2: (f"{POLLS_HERE}::test_answers_are_in_the_order_of_the_request_whichever_came_first",),
    3: (
        f"{TROUBLE}::test_a_poll_is_to_be_tried_again_and_then_answered",
        f"{TROUBLE}::test_a_stream_that_waits_is_served_when_the_trouble_is_over",
    ),
    4: (
        f"{FAULTS}::test_a_rule_that_can_not_be_read_ends_no_poll",
        f"{FAULTS}::test_a_rule_that_can_not_be_read_ends_no_stream",
    ),
    5: (f"{POLLS_HERE}::test_who_evaluates_is_decided_for_each_key",),
    6: (f"{CONTEXT_HEADER}::test_a_broken_escape_costs_its_own_attribute_only",),
    7: (
        "tests/edge/test_write.py::test_the_forms_of_the_path",
        "tests/edge/test_write.py::test_what_is_refused",
        "tests/edge/test_write.py::test_what_dacha_does_not_show_is_not_written",
    ),
    8: (f"{NUMBERS}::test_equality_is_about_the_value_not_its_representation",),
    9: (
        f"{TRANSCRIPTS}::test_a_client_that_is_up_to_date",
        f"{RESUMING}::test_the_id_of_an_update_resumes_like_that_of_the_features",
    ),
    10: (f"{TRANSCRIPTS}::test_an_update_during_the_snapshot",),
    11: (
        f"{STREAMS}::test_changes_arrive_in_order_and_older_versions_never",
        f"{CONVERGENCE}::test_sdks_end_the_same_in_any_order",
    ),
    12: (f"{STREAMS}::test_filters_hold_for_updates_too",),
    13: (
        f"{STREAMS}::test_a_revoked_key_ends_its_streams_and_no_other",
        f"{STREAMS}::test_a_deleted_environment_ends_its_streams",
    ),
    14: (f"{TROUBLE}::test_an_environment_nobody_listens_to_takes_nobodys_place",),
    15: (f"{SETTINGS}::test_the_new_name_of_a_stream_s_life_wins_over_the_old_one",),
    16: (
        f"{HOSTILE}::test_a_client_that_stops_reading_costs_nobody_else_anything",
        f"{HOSTILE}::test_a_client_that_takes_nothing_for_too_long_is_given_up",
    ),
    17: (f"{EVALUATE}::test_the_bucket_goes_by_the_id_of_the_feature_value",),
    18: (f"{CONTEXT}::test_percentages_go_by_the_attribute_sessionkey_which_no_sdk_sends",),
    19: ("tests/strategies/test_conditions.py::test_a_missing_now_is_the_time",),
    20: (f"{STRINGS}::test_not_equals_means_that_no_value_is_equal",),
    21: (
        f"{NUMBERS}::test_equality_is_about_the_value_not_its_representation",
        f"{NUMBERS}::test_a_regular_expression_is_the_rules_and_the_number_the_users",
    ),
    22: ("tests/strategies/test_match_address.py::test_a_name_is_never_resolved",),
    23: (
        f"{PATTERNS}::test_a_catastrophic_pattern_is_stopped_and_cut_off_from_then_on",
        f"{PATTERNS}::test_an_absurd_text_does_not_switch_a_rule_off_for_everybody_else",
    ),
    24: ("tests/dacha/test_view.py::test_no_permission_or_an_empty_one_is_denied",),
    37: (f"{CACHING}::test_what_may_be_kept_is_kept_for_one_context_only",),
    39: (f"{POLLS_HERE}::test_properties_and_information_are_no_part_of_the_etag",),
}
