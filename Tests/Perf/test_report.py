"""What the bench says of a report: its table, its page, and two reports compared. The executable is CASHUP_BENCH's."""

import json
import os
import random
import re
import subprocess

import pytest

BENCH = os.environ.get("CASHUP_BENCH")
pytestmark = pytest.mark.skipif(not BENCH, reason="CASHUP_BENCH names no cashup-bench executable")


def figure(id, samples, *, name=None, unit="us", better="lower", **more):
    return dict(id=id, name=name or id, unit=unit, better=better, samples=samples, **more)


def report(*figures, plots=(), notes=(), **more):
    section = dict(id="s", title="Section", notes=list(notes), figures=list(figures), plots=list(plots))
    machine = dict(processor="Test CPU", cores=2, memoryBytes=8 << 30, kernel="6.1", filesystem="ext4", swift="Swift 6.3")
    return dict(version=1, created="2025-11-22T05:00:00Z", machine=machine, commit="abc123", dirty=False, commands=["bench run"],
                small=False, sections=[section]) | more


def bench(*arguments):
    return subprocess.run([BENCH, *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def write(tmp_path):
    def write(contents, name="report.json"):
        path = tmp_path / name
        path.write_text(contents if isinstance(contents, str) else json.dumps(contents))
        return path
    return write


@pytest.fixture
def render(write, tmp_path):
    """The table, each run of spaces as one, and the page."""
    def render(contents):
        done = bench("render", write(contents), "--output", tmp_path / "out")
        assert done.returncode == 0, done.stderr
        return re.sub(" +", " ", done.stdout), (tmp_path / "out" / "report.html").read_text()
    return render


@pytest.fixture
def compare(write):
    def compare(base, new, *options):
        done = bench("compare", write(base, "base.json"), write(new, "new.json"), *options)
        return done.returncode, re.sub(" +", " ", done.stdout)
    return compare


# Table


def test_table_ratio_of_pairs(render):
    # Pairs: 2, 1, 10 -> 2. The medians' ratio would be 30 / 10 = 3.
    table, _ = render(report(figure("a", [2, 30, 100], limit={"figure": "echo"}), figure("echo", [1, 30, 10])))
    assert " a 30 us 2..100 2.00 x echo\n" in table


def test_table_ratio_of_medians_where_samples_are_not_pairs(render):
    table, _ = render(report(figure("a", [2, 30, 100], limit={"figure": "echo"}), figure("echo", [10, 10])))
    assert " a 30 us 2..100 3.00 x echo\n" in table
    table, _ = render(report(figure("a", [30], limit={"figure": "echo"}), figure("echo", [10, 1, 20])))
    assert " a 30 us 3.00 x echo\n" in table


def test_table_limit_that_is_absent_is_no_ratio(render):
    # A ratio of 0 would reach every goal of a latency.
    table, page = render(report(figure("a", [30], limit={"figure": "limits/echo", "ratio": 0}, goal={"ratio": 1.25})))
    assert " a 30 us absent limits/echo ≤ 1.25 x not known\n" in table
    assert "Goals: 0 of 1 reached\n not known: a\n" in table
    assert "? not known" in page and "reached," not in page


@pytest.mark.parametrize("better, samples, goal, said", [
    ("higher", [6e6], {"value": 5e6}, "≥ 5,000,000 reached, +20 %"),
    ("higher", [4e6], {"value": 5e6}, "≥ 5,000,000 MISSED, -20 %"),
    ("lower", [150], {"value": 200}, "≤ 200 reached, -25 %"),
    ("lower", [209], {"value": 200}, "≤ 200 MISSED, +4.5 %"),
    ("lower", [200], {"value": 200}, "≤ 200 reached, 0.0 %"),
    ("lower", [130], {"ratio": 1.25}, "1.30 x echo ≤ 1.25 x MISSED, +4.0 %"),
    ("higher", [62], {"ratio": 0.5}, "0.620 x echo ≥ 0.5 x reached, +24 %"),
])
def test_table_goals(render, better, samples, goal, said):
    limit = {"limit": {"figure": "echo"}} if "ratio" in goal else {}
    table, page = render(report(figure("a", samples, better=better, goal=goal, **limit), figure("echo", [100])))
    assert said + "\n" in table
    assert ("✓ reached" if "reached" in said else "✗ missed") in page


@pytest.mark.parametrize("value, said", [
    (0, "0"), (20, "20"), (18.237, "18.2"), (0.01234, "0.0123"), (999.7, "1,000"), (9.999, "10.0"), (1234567, "1,235,000"), (1e300, "1.00e+300"),
    ("none", "-"), (-1234.5, "-1,235"),
])
def test_table_numbers(render, value, said):
    table, _ = render(report(figure("a", [value])))
    assert f" a {said} us\n" in table


def test_table_columns_of_one_name_are_one_row(render):
    rate = figure("a/rate", [1000, 900, 1100], name="8 x 64", column="orders/s", unit="orders/s", better="higher")
    p50 = figure("a/p50", [5], name="8 x 64", column="p50", limit={"figure": "echo"}, goal={"ratio": 1.25})
    table, _ = render(report(rate, p50, figure("echo", [4], name="echo 8 x 64")))
    assert " orders/s p50\n us\n" in table
    assert " 8 x 64 1,000 ±10 % 5\n to echo 8 x 64 1.25 x\n goal ≤ 1.25 x\n goal reached? reached, 0.0 %\n" in table


def test_table_small_and_dirty_are_loud(render):
    table, page = render(report(figure("a", [1]), small=True, dirty=True))
    assert "THESE FIGURES MEAN NOTHING" in table and "These figures mean nothing" in page
    assert "abc123 DIRTY" in table and "dirty: with changes" in page
    table, page = render(report(figure("a", [1])))
    assert "MEAN NOTHING" not in table and "mean nothing" not in page
    assert "DIRTY" not in table and "dirty: with" not in page


def test_table_stays_within_150_columns(write):
    long = "new + cancel by ClOrdID, 10000000 open orders, 1000 accounts, 10 instruments, each as far from the touch as it can be"
    a = figure("a", [5e6, 6e6, 7e6], name=long, limit={"figure": "b"}, goal={"ratio": 0.5}, unit="operations/s")
    output = bench("render", write(report(a, figure("b", [5e6], name=long + " in C"), notes=["word " * 100]))).stdout
    assert max(map(len, output.splitlines()[:-1])) <= 150
    assert "as it can" in output


# Page


def test_page_escapes_everything(render):
    evil = "</script><script>alert(1)</script>'\"&"
    axis = dict(title=evil, unit=evil, scale="linear")
    plot = dict(id=evil, title=evil, x=axis, y=axis, lines=[dict(name=evil, points=[[1, 2], [3, 4]])])
    contents = report(figure(evil, [1, 2], name=evil, unit=evil, limit={"figure": evil}, goal={"ratio": 1}),
                      figure("c", [1], name=evil, column=evil, unit=evil, limit={"figure": "gone" + evil}), plots=[plot], notes=[evil],
                      commit=evil, created=evil, commands=[evil])
    contents["sections"][0] |= dict(id=evil, title=evil, configurations=[dict(title=evil, settings=[dict(name=evil, value=evil)])])
    contents["machine"] |= dict(processor=evil, swift=evil)
    _, page = render(contents)
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>") == 2  # the plot's data and the page's own
    assert not re.search(r"\b(src|href)=\"(?!#)", page) and "url(" not in page


def test_page_draws_only_what_has_a_place(render):
    logarithmic = dict(title="t", unit="s", scale="logarithmic")
    percentile = dict(title="p", unit="%", scale="percentile")
    points = [[0, 1], [50, 0], [90, 10], ["none", 5], [99, "infinite"], [99.9, 100], [100, 1000], [1]]
    _, page = render(report(plots=[dict(id="p", title="P", x=percentile, y=logarithmic, lines=[dict(name="l", points=points)])]))
    drawn = re.search(r'data-line="0"><path d="([^"]*)"', page).group(1)
    assert len(re.findall("[ML]", drawn)) == 4
    assert not re.search("nan|inf", drawn)
    for label in ["50 %", "90 %", "99 %", "99.9 %", "max"]:
        assert f">{label}</text>" in page
    empty = dict(id="e", title="Empty", x=percentile, y=logarithmic, lines=[dict(name="l", points=[])])
    _, page = render(report(plots=[empty]))
    assert "Empty: no points" in page and "<figure" not in page


def test_page_survives_any_numbers(render):
    numbers = [0, 1, -1, 1e-300, 5e-324, 1e15, 1e20, 1e20 + 20000, 1e99, -1e99, 1e308, -1e308, "infinite", "none", 100, 99.9999999999, 1 + 1e-15]
    chance = random.Random(1)
    scales = ["linear", "logarithmic", "percentile"]
    plots = [dict(id="p", title="P", x=dict(title="", unit="", scale=x), y=dict(title="", unit="", scale=y),
                  lines=[dict(name="l", points=[[chance.choice(numbers), chance.choice(numbers)] for _ in range(count)])])
             for x in scales for y in scales for count in [1, 2, 2, 2, 3, 3, 5, 40]]
    figures = [figure(str(number), [number, 1], limit={"figure": "0"}, goal={"value": other}) for number in numbers for other in numbers]
    _, page = render(report(*figures, plots=plots))
    assert not re.search(r"(x|y|x1|x2|y1|y2|d|points)=\"[^\"]*(nan|inf)", page)


def test_page_keeps_peaks_of_long_lines(render):
    axis = dict(title="t", unit="s", scale="linear")
    points = [[second, 9000 if second == 4321 else 1] for second in range(20_000)]
    _, page = render(report(plots=[dict(id="p", title="P", x=axis, y=axis, lines=[dict(name="l", points=points)])]))
    assert "[4321,9000]" in page
    assert page.count(",1]") < 1000


# Comparison


@pytest.mark.parametrize("base, new, better, said", [
    ([100, 102, 104], [110, 112, 114], "lower", "1.10 x +9.8 % WORSE"),
    ([100, 102, 104], [110, 112, 114], "higher", "1.10 x +9.8 % BETTER"),
    ([100, 102, 104], [103, 112, 114], "lower", "1.10 x +9.8 % same"),  # ranges overlap
    ([100, 101, 102], [103, 104, 105], "lower", "1.03 x +3.0 % same"),  # ranges apart, but by less than 5 %
    ([100], [110, 112, 114], "lower", "1.12 x +12 % not judged"),
    ([100], [130], "lower", "1.30 x +30 % WORSE"),
    ([0, 0], [1, 1], "lower", "- - not judged"),
])
def test_compare_judges_by_ranges_and_medians(compare, base, new, better, said):
    code, table = compare(report(figure("a", base, better=better)), report(figure("a", new, better=better)))
    assert code == 0
    assert f" us {said}\n" in table


def test_compare_fail_worse(compare):
    base = report(figure("a", [100, 101]), figure("b", [100, 101], better="higher"))
    slower = report(figure("a", [112, 113]), figure("b", [88, 89], better="higher"))
    assert compare(base, slower)[0] == 0
    assert compare(base, slower, "--fail-worse", "15")[0] == 0
    code, table = compare(base, slower, "--fail-worse", "10")
    assert code == 1
    assert re.findall("worse by more than 10.0 %: (.*)", table) == ["a", "b"]
    assert compare(slower, base, "--fail-worse", "0")[0] == 0
    # Much worse, but not beyond noise.
    assert compare(report(figure("a", [100, 300])), report(figure("a", [290, 310])), "--fail-worse", "10")[0] == 0


def test_compare_lists_figures_of_only_one_and_warns(compare):
    other = report(figure("b", [2]), figure("c", [3], unit="ns"), small=True, dirty=True)
    other["machine"]["cores"] = 4
    code, table = compare(report(figure("a", [1]), figure("c", [3])), other)
    assert code == 0
    assert "Only in base:\n a 1 us\n" in table and "Only in new:\n b 2 us\n" in table
    assert " c 3 3 us -> ns - - not comparable\n" in table
    for warning in ["new is a SMALL RUN", "new was measured with changes that were not committed", "another machine, cores: 2 -> 4"]:
        assert "WARNING: " + warning in table
    assert "WARNING" not in compare(report(figure("a", [1])), report(figure("a", [1])))[1]


def test_compare_unusable_files(write, tmp_path):
    good = write(report(), "good.json")
    for contents, said in [("{", "not a report"), ("[]", "not a report"), (report(version=2), "a report of version 2; this build reads version 1"),
                           ({"version": 1}, "created is missing"), (report(figure("a", "x")), "sections[0].figures[0].samples is of another kind")]:
        bad = write(contents, "bad.json")
        for arguments in [("compare", good, bad), ("compare", bad, good), ("render", bad)]:
            done = bench(*arguments)
            assert (done.returncode, done.stdout) == (65, "")
            assert f"{bad}: " in done.stderr and said in done.stderr
    done = bench("compare", good, tmp_path / "gone.json")
    assert done.returncode == 64 and "cannot be read" in done.stderr
    assert bench("compare", good, good, "--fail-worse=-1").returncode == 64
