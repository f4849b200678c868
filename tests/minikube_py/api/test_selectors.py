import pytest

from minikube_py.api.selectors import FieldSelector, LabelSelector, validate_label_selector

LABELS = {"app": "web", "tier": "front", "n": "5"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        pytest.param("", True, id="empty"),
        pytest.param("app=web", True, id="equals"),
        pytest.param("app==web", True, id="double equals"),
        pytest.param("app=db", False, id="other value"),
        pytest.param("missing=x", False, id="equals on a missing label"),
        pytest.param("app!=db", True, id="not equals"),
        pytest.param("missing!=x", True, id="not equals on a missing label"),
        pytest.param("app in (web, db)", True, id="in"),
        pytest.param("app in (db)", False, id="not in the set"),
        pytest.param("app notin (db)", True, id="notin"),
        pytest.param("missing notin (db)", True, id="notin on a missing label"),
        pytest.param("app", True, id="exists"),
        pytest.param("!app", False, id="does not exist"),
        pytest.param("! missing", True, id="a missing label does not exist"),
        pytest.param("n>4", True, id="greater"),
        pytest.param("n<5", False, id="less"),
        pytest.param("app>4", False, id="greater on a word"),
        pytest.param("app=web,tier in (front),!x", True, id="all hold"),
        pytest.param("app=web,tier=back", False, id="one does not hold"),
        pytest.param("app=in", False, id="a keyword as value"),
        pytest.param("app in ()", False, id="the empty set means the empty value"),
        pytest.param("missing=", False, id="an empty value still needs the label"),
    ],
)
def test_text_form(text: str, matches: bool) -> None:
    assert LabelSelector.parse(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("x=a,y=b", "x=a,y=b", id="kept"),
        pytest.param("y=b , x == a", "x==a,y=b", id="sorted by key"),
        pytest.param("z in (c,a)", "z in (a,c)", id="values sorted"),
        pytest.param("!a,b", "!a,b", id="existence"),
        pytest.param("a=", "a=", id="empty value"),
        pytest.param("a in (,b)", "a in (,b)", id="empty value in a set"),
    ],
)
def test_shown_form(text: str, shown: str) -> None:
    assert str(LabelSelector.parse(text)) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a,", "found '', expected: identifier after ','", id="trailing comma"),
        pytest.param(",a", "found ',', expected: !, identifier, or 'end of string'", id="leading comma"),
        pytest.param("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt", id="word"),  # noqa: E501
        pytest.param("a in b", "unable to parse requirement: found 'b' expected: '('", id="no parenthesis"),
        pytest.param("a in (b", "unable to parse requirement: found '', expected: ',' or ')'", id="unclosed"),
        pytest.param("a=b c", "found 'c', expected: ',' or 'end of string'", id="two values"),
        pytest.param("a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer", id="no integer"),  # noqa: E501
    ],
)  # fmt: skip
def test_malformed_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        LabelSelector.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text", ["-a=b", "a=b/c", "a/b/c", "a=" + "x" * 64, "!", "!=", "a===b", "()", "!a=b", "a in (b))"]
)
def test_invalid_keys_and_values_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        LabelSelector.parse(text)


def test_object_form() -> None:
    assert not LabelSelector.from_object(None).matches(LABELS)
    assert LabelSelector.from_object({}).matches(LABELS)
    selector = LabelSelector.from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front", "back"]},
                {"key": "x", "operator": "DoesNotExist"},
            ],
        }
    )
    assert selector.matches(LABELS)
    assert str(selector) == "app=web,tier in (back,front),!x"
    with pytest.raises(ValueError, match="not a valid label selector operator"):
        LabelSelector.from_object({"matchExpressions": [{"key": "a", "operator": "Near"}]})


def test_object_form_is_validated() -> None:
    selector = {"matchLabels": {"a": "b c"}, "matchExpressions": [{"key": "", "operator": "In"}, {"operator": "x"}]}
    fields = [error.field for error in validate_label_selector("spec.selector", selector)]
    assert fields[:2] == ["spec.selector.matchLabels", "spec.selector.matchExpressions[0].values"]
    assert "spec.selector.matchExpressions[1].operator" in fields


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        pytest.param("", (), id="empty"),
        pytest.param("metadata.name=a", (("metadata.name", "=", "a"),), id="equals"),
        pytest.param("a==b,c!=d", (("a", "=", "b"), ("c", "!=", "d")), id="several"),
        pytest.param("spec.nodeName=", (("spec.nodeName", "=", ""),), id="empty value"),
        pytest.param(r"a=x\,y\=z", (("a", "=", "x,y=z"),), id="escapes"),
    ],
)
def test_field_selector(text: str, requirements: tuple[tuple[str, str, str], ...]) -> None:
    selector = FieldSelector.parse(text)
    assert selector.requirements == requirements
    assert FieldSelector.parse(str(selector)) == selector


def test_field_selector_matching() -> None:
    selector = FieldSelector.parse("status.phase!=Failed,spec.nodeName=n1")
    values = {"status.phase": "Running", "spec.nodeName": "n1"}
    assert selector.matches(values.get)
    assert not selector.matches({"spec.nodeName": "n2"}.get)
    assert selector.exact("spec.nodeName") == "n1"
    assert selector.exact("status.phase") is None


@pytest.mark.parametrize("text", ["a", r"a=b\c", "a=b=c"])
def test_malformed_field_selectors_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        FieldSelector.parse(text)
