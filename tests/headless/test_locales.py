"""Every node speaks every language, and no translation is left over from a node that changed."""

import re

import pytest
from edit_first.headless import locales, runner

EVERY = ("en", *locales.TRANSLATIONS)


def test_english_is_written_from_the_schemas():
    assert locales.read("en") == locales.english(), "run `python . locales`"


@pytest.mark.parametrize("language", locales.TRANSLATIONS)
def test_nothing_is_missing(language):
    missing = locales.missing(language)
    assert not missing, f"translate and merge into locales/{language}/nodeDefs.json:\n{locales.to_json(missing)}"


@pytest.mark.parametrize("language", locales.TRANSLATIONS)
def test_nothing_is_left_over(language):
    assert locales.strays(language) == []


@pytest.mark.parametrize("language", locales.TRANSLATIONS)
def test_categories_are_translated(language):
    assert set(locales.read(language, "main.json")["nodeCategories"]) == locales.categories()


@pytest.mark.parametrize("language", EVERY)
def test_names_and_descriptions_hold_no_message_syntax(language):
    """The front end compiles them as messages: a brace, an at sign or a bar would be read as a command."""
    for path, text in locales.texts(language).items():
        if path[-1] != "tooltip":
            assert not re.search(r"[{}@|]", text), f"{'/'.join(path)}: {text}"


@pytest.mark.parametrize("language", locales.TRANSLATIONS)
def test_sentences_are_in_their_language(language):
    script = {"zh": r"[\u4e00-\u9fff]", "ja": r"[\u3040-\u30ff]"}[language]
    foreign = {"zh": r"[\u3040-\u30ff]", "ja": r"[们这对]"}[language]
    for path, text in locales.texts(language).items():
        if path[-1] in ("tooltip", "description"):
            assert re.search(script, text) and not re.search(foreign, text), f"{'/'.join(path)}: {text}"


@pytest.mark.parametrize("language", locales.TRANSLATIONS)
def test_choices_that_a_tooltip_explains_keep_their_spelling(language):
    """A choice is shown untranslated, so its explanation must name it so."""
    for node, cls in runner.node_classes().items():
        if not node.startswith("EditFirst_"):
            continue
        for port in cls.GET_SCHEMA().inputs:
            translated = locales.texts(language)[(node, "inputs", port.id, "tooltip")]
            for choice in port.options.get("options") or ():
                named = re.search(rf"(?<!\w){re.escape(choice)}(?!\w)", port.options["tooltip"])
                assert not named or choice in translated, f"{node} {port.id}: {choice!r} is not in {translated!r}"


@pytest.mark.parametrize("language", locales.TRANSLATIONS)
def test_numbers_and_codes_are_those_of_english(language):
    """A changed limit or default in an English sentence must not stay behind in a translation."""
    translated = locales.texts(language)
    for path, text in locales.texts("en").items():
        for code in re.findall(r"\d+(?:\.\d+)?|#rrggbb|CIEDE2000|[a-z]+_[a-z_]+|\*[a-z]+", text):
            if path[-1] != "name":
                assert code in translated[path], f"{'/'.join(path)}: {code!r} is not in {translated[path]!r}"


def test_a_missing_text_comes_as_a_skeleton(monkeypatch):
    english = locales.english()
    del english["EditFirst_ZoneMask"]["inputs"]["name"]["tooltip"]
    english["EditFirst_Gone"] = {"display_name": "Gone"}
    monkeypatch.setattr(locales, "read", lambda language: english)
    skeleton = locales.missing("zh")
    assert list(skeleton) == ["EditFirst_ZoneMask"] and list(skeleton["EditFirst_ZoneMask"]["inputs"]) == ["name"]
    assert skeleton["EditFirst_ZoneMask"]["inputs"]["name"]["tooltip"].startswith("A zone's name")
    assert locales.strays("zh") == ["EditFirst_Gone/display_name"]


def test_a_translated_skeleton_is_merged_in_the_order_of_english(tmp_path, monkeypatch):
    zone_mask = locales.read("zh")["EditFirst_ZoneMask"]
    without = {key: value for key, value in locales.read("zh").items() if key != "EditFirst_AnchorLock"}
    skeleton = {"EditFirst_AnchorLock": locales.read("zh")["EditFirst_AnchorLock"]}
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "nodeDefs.json").write_text(locales.to_json(without), encoding="utf-8")
    before = (locales.ROOT / "zh" / "nodeDefs.json").read_text(encoding="utf-8")
    monkeypatch.setattr(locales, "ROOT", tmp_path)
    locales.add("zh", skeleton)
    assert (tmp_path / "zh" / "nodeDefs.json").read_text(encoding="utf-8") == before
    assert locales.read("zh")["EditFirst_ZoneMask"] == zone_mask and not locales.missing("zh")


@pytest.mark.parametrize("language", locales.TRANSLATIONS)
def test_translated_help_pages_belong_to_a_node_and_keep_its_pictures(language):
    pages = list((locales.ROOT.parent / "js" / "docs").glob(f"*/{language}.md"))
    assert len(pages) >= 5
    for page in pages:
        english = (page.parent.parent / f"{page.parent.name}.md").read_text(encoding="utf-8")
        links = r"!\[[^]]+\]\(([^)]+)\)"
        assert re.findall(links, page.read_text(encoding="utf-8")) == re.findall(links, english), page
