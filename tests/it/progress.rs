//! Progress as a person sees it on a terminal of a given width, and no progress without a terminal.

use roxmltree::Document;
use serde_json::Value;

use crate::python::{capture, on_terminal};
use crate::workdir::{Workdir, project};

/// A run in which shard 3 waits long enough for its retry to be seen.
const RUN: [&str; 5] = ["run", "--chaos", "fail:3", "--retry-wait", "1500ms"];

struct Shown {
    raw: String,
    stdout: String,
    screens: Vec<Vec<String>>,
}

/// What a terminal with this many columns shows.
fn shown(dir: &Workdir, columns: u16, args: &[&str], env: &[(&str, &str)]) -> Shown {
    let usual = [("TERM", "xterm"), ("LANG", "C.UTF-8"), ("LC_ALL", ""), ("LC_CTYPE", ""), ("NO_COLOR", "")];
    let told = on_terminal(&dir.path(""), columns, args, &[&usual[..], env].concat());
    assert_eq!(told["code"], 0, "{told}");
    let text = |v: &Value| v.as_str().expect("a text").to_owned();
    let lines = |v: &Value| v.as_array().expect("lines").iter().map(text).collect();
    let screens = told["screens"].as_array().expect("screens").iter().map(lines).collect();
    Shown { raw: text(&told["raw"]), stdout: text(&told["stdout"]), screens }
}

/// Checks the lines of bars, and that nothing else is on the screen but the warning above them.
fn tidy(screen: &[String], columns: usize) {
    let is_bar = |l: &String| ["route ", "build ", "write ", "      "].iter().any(|start| l.starts_with(start));
    let first = screen.iter().position(is_bar).unwrap_or(screen.len());
    let (above, bars) = screen.split_at(first);
    assert!(bars.iter().all(is_bar), "{screen:#?}");
    for stage in ["route ", "build ", "write "] {
        assert!(bars.iter().filter(|l| l.starts_with(stage)).count() <= 1, "{screen:#?}");
    }
    assert!(bars.iter().all(|l| l.chars().count() < columns), "{screen:#?}");
    let warning = "warning: shard 3 failed (chaos: failing shard 3 on first attempt); retry 1 in 1s 500ms";
    // The terminal wraps it, and a space at the margin is not visible.
    let seen = above.concat().replace(' ', "");
    assert!(seen.is_empty() || seen == warning.replace(' ', ""), "{screen:#?}");
}

#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn bars_show_stages_and_shards_and_go_when_the_run_is_done() {
    let dir = Workdir::with_sample(500);
    for columns in [120, 80, 40, 24] {
        let Shown { screens, stdout, raw } = shown(&dir, columns, &RUN, &[]);
        screens.iter().for_each(|screen| tidy(screen, columns.into()));
        let retrying = |s: &&Vec<String>| s.iter().any(|l| l.starts_with("      ") && l.contains('↻'));
        let screen = screens.iter().find(retrying).unwrap_or_else(|| panic!("{columns}: {screens:#?}"));
        assert!(screen.iter().any(|l| l.starts_with("build ") && l.contains('━')), "{screen:#?}");
        assert!(screen.iter().any(|l| l.contains("■■■")), "done ones have another sign: {screen:#?}");
        if columns >= 80 {
            assert!(screen.iter().any(|l| l.contains("1 retrying") && l.contains("15 done")), "{screen:#?}");
            assert!(screen.iter().any(|l| l.starts_with("route ") && l.contains("2,000 rows") && l.contains("MB/s")));
        }
        assert!(raw.contains("\u{1b}[33m"), "colours where they are wanted");
        let last = screens.last().expect("a screen");
        assert!(last.iter().all(|l| !l.starts_with("build ")), "{last:#?}");
        assert!(stdout.starts_with("500 customers from 4 sources, built in 16 shards\n"), "{stdout}");
        assert!(stdout.contains("recovered by a retry: shard 3\n") && !stdout.contains('\u{1b}'), "{stdout}");
    }
}

#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn no_color_and_the_locale_are_heeded() {
    let dir = Workdir::with_sample(500);
    let Shown { screens, raw, .. } = shown(&dir, 80, &RUN, &[("NO_COLOR", "1"), ("LANG", "C")]);
    let colours = raw
        .split("\u{1b}[")
        .skip(1)
        .filter(|code| code.trim_start_matches(|c: char| "0123456789;".contains(c)).starts_with('m'));
    assert_eq!(colours.count(), 0, "{raw:?}");
    assert!(raw.is_ascii());
    screens.iter().for_each(|screen| tidy(screen, 80));
    assert!(screens.iter().flatten().any(|l| l.starts_with("      ###!####")), "{screens:#?}");
}

#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn lines_of_the_log_stand_above_the_bars() {
    let dir = Workdir::with_sample(500);
    let Shown { screens, .. } = shown(&dir, 100, &[&RUN[..], &["-v"]].concat(), &[]);
    let seen = |screen: &Vec<String>| {
        screen.iter().any(|l| l.starts_with("shard 15: ")) && screen.iter().any(|l| l.contains('↻'))
    };
    let screen = screens.iter().find(|s| seen(s)).unwrap_or_else(|| panic!("{screens:#?}"));
    let last_line = screen.iter().rposition(|l| l.starts_with("shard ") || l.starts_with("warning: "));
    assert!(last_line < screen.iter().position(|l| l.starts_with("route ")), "{screen:#?}");
}

#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn shards_of_an_earlier_run_are_done_from_the_start() {
    let dir = Workdir::with_sample(500);
    assert_ne!(dir.onefold(&["run", "--threads", "1", "--chaos", "kill:9"]).code(), 0);
    let run = ["run", "--chaos", "fail:12", "--retry-wait", "1500ms"];
    let Shown { screens, .. } = shown(&dir, 80, &run, &[]);
    let screen = screens.iter().find(|s| s.iter().any(|l| l.contains("1 retrying"))).expect("a retry");
    let resumed = screen.iter().find(|l| l.starts_with("resumed ")).unwrap_or_else(|| panic!("{screen:#?}"));
    let kept: usize = resumed.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    assert!(kept > 0, "{resumed}");
    let bar = screen.iter().find(|l| l.starts_with("build ")).expect("a bar");
    assert!(bar.contains(&format!("{} of {} shards", 15 - kept, 16 - kept)), "{screen:#?}");
    assert!(screen.iter().any(|l| l.contains("■ 15 done")), "{screen:#?}");
}

#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn quiet_json_and_dumb_terminals_have_no_bars() {
    let dir = Workdir::with_sample(200);
    let with = |flags: &[&str], env: &[(&str, &str)]| shown(&dir, 80, &[&RUN[..], flags].concat(), env);
    let quiet = with(&["--quiet"], &[]);
    assert_eq!((quiet.raw, quiet.stdout), (String::new(), String::new()));
    let json = with(&["--log-format", "json"], &[]).raw;
    let events: Vec<Value> =
        json.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect();
    assert!(events.iter().any(|e| e["event"] == "shard_retry"), "{json}");
    assert!(events.iter().all(|e| e["event"] != "progress" && e["event"] != "stage_start"), "{json}");
    let dumb = with(&[], &[("TERM", "dumb")]).raw;
    assert!(!dumb.contains('\u{1b}') && dumb.contains("read crm: 200 rows"), "{dumb:?}");
}

#[test]
fn a_stderr_that_is_not_a_terminal_gets_plain_lines_only() {
    let dir = Workdir::with_sample(200);
    for flags in [&[][..], &["-v"], &["--log-format", "json"]] {
        let ran = dir.onefold(&[&RUN[..], flags].concat());
        let stderr = ran.expect(0);
        assert!(!stderr.contains(['\u{1b}', '\r', '━', '↻']), "{stderr:?}");
        assert!(!stderr.contains("progress") && !stderr.contains("stage_start"), "{stderr}");
        assert!(stderr.contains("failing shard 3 on first attempt"), "{stderr}");
    }
}

/// The texts that a picture of a run draws.
fn drawn(svg: &str) -> Vec<String> {
    let picture = Document::parse(svg).expect("well-formed");
    assert!(picture.descendants().all(|n| n.attributes().all(|a| !a.value().contains("http"))), "no network");
    let texts = picture.descendants().filter(|n| n.has_tag_name(("http://www.w3.org/2000/svg", "text")));
    texts.filter_map(|n| n.text().map(str::to_owned)).collect()
}

/// What such a picture shows.
fn is_a_run_with_a_retry(svg: &str) {
    let texts = drawn(svg);
    let has = |text: &str| texts.iter().any(|t| t.contains(text));
    assert!(has("$") && has("onefold") && has("retrying") && has("route") && has("customers"), "{texts:?}");
    assert!(has("recovered") && has("verify"), "{texts:?}");
}

#[test]
fn the_picture_in_the_docs_is_a_run_with_a_retry() {
    let kept = std::fs::read_to_string(project().join("docs/run.svg")).expect("docs/run.svg");
    assert!(kept.len() < 100_000, "{} bytes are too many for a page", kept.len());
    is_a_run_with_a_retry(&kept);
}

#[test]
#[ignore = "needs Python packages: tests/setup, then --include-ignored"]
fn the_picture_can_be_made_again() {
    let dir = Workdir::new();
    is_a_run_with_a_retry(&capture(&dir.path(""), "2000"));
}
