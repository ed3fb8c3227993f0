"""Names that nobody knows: what a notification tells in their place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from bridge.core.campaigns.naming import check, derived_dbid, shown
from bridge.core.event import NAMES
from bridge.core.group import Names, Policy
from bridge.core.outcome import Invalid, InvalidEvent


def told(policy: Policy, names: dict[str, str], row: Names | None = None) -> dict[str, str | None]:
    found = shown("acme/c-1", tuple(names.get(name) for name in NAMES), row, policy)
    return dict(zip(NAMES, found, strict=True))


def test_by_default_every_mandatory_name_is_told_and_a_group_without_one_is_called_by_its_id() -> None:
    dbid = derived_dbid("acme/c-1")
    assert told(Policy({}), {"campaign_group_guid": "c-1"}) == {
        "tenant_name": None,
        "tenant_ccid": None,
        "campaign_group_name": "c-1",
        "campaign_group_guid": "c-1",
        "campaign_group_dbid": dbid,
        "group_name": "Unknown",
        "campaign_name": "Unknown",
        "campaign_template_name": None,
        "queue_name": "Unknown",
    }


@pytest.mark.parametrize(
    ("policy", "names", "expected"),
    [
        (Policy({}), {"campaign_group_guid": "g", "campaign_group_dbid": "7"}, "g"),
        (Policy({}), {"campaign_group_dbid": "7"}, "7"),
        (Policy({}), {}, "Unknown"),
        (Policy({}, name_by_id=False), {"campaign_group_guid": "g"}, "Unknown"),
        (Policy({}, "?", name_by_id=False), {"campaign_group_guid": "g"}, "?"),
        (Policy({}, None), {"campaign_group_guid": "g"}, "g"),
        (Policy({}, None, name_by_id=False), {"campaign_group_guid": "g"}, None),
        (Policy({"campaign_group_name": "own"}), {"campaign_group_guid": "g"}, "own"),
        (Policy({}), {"campaign_group_guid": "g", "campaign_group_name": ""}, ""),
    ],
)
def test_a_group_without_a_name_is_called_by_its_guid_then_its_dbid(
    policy: Policy, names: dict[str, str], expected: str | None
) -> None:
    assert told(policy, names)["campaign_group_name"] == expected


def test_an_id_that_the_directory_knows_names_the_group_too() -> None:
    row = tuple("101" if name == "campaign_group_dbid" else None for name in NAMES)
    found = told(Policy({}), {}, row)
    assert (found["campaign_group_dbid"], found["campaign_group_name"]) == ("101", "101")


@pytest.mark.parametrize(("policy", "expected"), [(Policy({}, dbid="0"), "0"), (Policy({}, None, dbid="none"), "none")])
def test_a_dbid_nobody_knows_is_the_settings_text_where_it_has_one(policy: Policy, expected: str) -> None:
    assert told(policy, {})["campaign_group_dbid"] == expected


def test_a_derived_dbid_is_the_same_for_ever() -> None:
    assert derived_dbid("acme/c-1") == "8567199910968634"
    assert derived_dbid("") != derived_dbid("/")


@settings(max_examples=examples(300))
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_derived_dbid_is_digits_that_no_reader_rounds_and_no_dbid_of_genesys(key: str) -> None:
    number = derived_dbid(key)
    assert number == derived_dbid(key)
    assert number.isdecimal()
    assert int(float(number)) == int(number)
    assert 2**31 < int(number) < 2**53


def test_a_hundred_thousand_groups_have_as_many_derived_dbids() -> None:
    assert len({derived_dbid(f"tenant/{n}") for n in range(100_000)}) == 100_000


@pytest.mark.parametrize("name", NAMES)
def test_where_the_policy_rejects_the_missing_name_is_told(name: str) -> None:
    names = tuple("x" if other != name else None for other in NAMES)
    if name in {"tenant_name", "tenant_ccid", "campaign_template_name"}:
        check(names)
    else:
        with pytest.raises(InvalidEvent) as refused:
            check(names)
        assert (refused.value.reason, refused.value.field) == (Invalid.MISSING_FIELD, name)
