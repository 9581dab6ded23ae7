use super::*;

#[test]
fn a_run_removes_only_old_files_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let space = Workspace::open(folder.path(), "r1").expect("open");
    space.stage("rejects/new.csv", b"new").expect("stage");
    fs::create_dir_all(folder.path().join("rejects")).expect("a folder");
    for name in ["old.csv", "mine.csv", "new.csv"] {
        fs::write(folder.path().join("rejects").join(name), "old").expect("written");
    }
    let old = ["rejects/old.csv", "rejects/new.csv", "rejects/none.csv", "../outside"].map(str::to_owned);
    space.publish(vec![StagedFile::of("rejects/new.csv", b"new")], old.to_vec(), &|_| {}).expect("published");
    let read = |name: &str| fs::read(folder.path().join("rejects").join(name)).ok();
    assert_eq!(
        (read("old.csv"), read("mine.csv"), read("new.csv")),
        (None, Some(b"old".to_vec()), Some(b"new".to_vec()))
    );
}

#[test]
fn a_working_folder_on_another_disk_is_refused_at_once() {
    let (folder, other) = (tempfile::tempdir().expect("a folder"), Path::new("/dev/shm"));
    if fs::metadata(other).map(|m| m.dev()).ok() == fs::metadata(folder.path()).map(|m| m.dev()).ok() {
        return;
    }
    let Ok(elsewhere) = tempfile::tempdir_in(other) else { return };
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join(WORK_FOLDER)).expect("a link");
    let refused = Workspace::open(folder.path(), "r1").expect_err("refused").to_string();
    assert!(refused.contains("are on different disks"), "{refused}");
}

#[test]
fn an_interrupted_publication_is_completed() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path();
    let space = Workspace::open(output, "r1").expect("open");
    space.stage("a.csv", b"new a").expect("stage");
    space.stage("rejects/x.csv", b"new x").expect("stage");
    fs::create_dir_all(output.join("rejects")).expect("folder");
    fs::write(output.join("rejects/old.csv"), "old").expect("write");
    fs::write(output.join("a.csv"), "old a").expect("write");
    let journal = Journal {
        run_id: "r1".into(),
        publish: vec![StagedFile::of("a.csv", b"new a"), StagedFile::of("rejects/x.csv", b"new x")],
        remove: vec!["rejects/old.csv".into()],
    };
    journal.write(&space.work).expect("written");
    drop(space);
    recover(output).expect("recover");
    assert_eq!(fs::read(output.join("a.csv")).expect("a"), b"new a");
    assert_eq!(fs::read(output.join("rejects/x.csv")).expect("x"), b"new x");
    assert!(!output.join("rejects/old.csv").exists());
    recover(output).expect("nothing left to do");
}

#[test]
fn a_failure_leaves_a_publication_with_a_journal_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let space = Workspace::open(folder.path(), "r1").expect("open");
    space.stage("a.csv", b"new").expect("stage");
    let journal = Journal { run_id: "r1".into(), publish: vec![StagedFile::of("a.csv", b"new")], remove: Vec::new() };
    journal.write(&space.work).expect("written");
    space.keep_failure(&[]).expect("keep");
    drop(space);
    recover(folder.path()).expect("recover");
    assert_eq!(fs::read(folder.path().join("a.csv")).expect("a"), b"new");
}

#[test]
fn a_second_run_is_refused_and_a_dead_lock_does_not_block() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Workspace::open(folder.path(), "r1").expect("open");
    let second = Workspace::open(folder.path(), "r2").expect_err("busy").to_string();
    let process = format!("is in use by process {} (run r1, since 20", std::process::id());
    assert!(second.contains(&process), "{second}");
    drop(first);
    assert!(Workspace::open(folder.path(), "r3").is_ok());
}

#[test]
fn a_file_is_ours_by_its_place_whether_it_is_there_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out");
    for there in [false, true] {
        assert!(is_ours(&output, &output.join("run.json")) && is_ours(&output, &output.join("rejects/crm.csv")));
        assert!(!is_ours(&output, &output.join("mine.csv")) && !is_ours(&output, &folder.path().join("run.json")));
        if !there {
            fs::create_dir_all(output.join("rejects")).expect("a folder");
            fs::write(output.join("run.json"), "{}").expect("a file");
        }
    }
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(output.join("run.json"), &link).expect("a link");
    assert!(is_ours(&output, &link), "through a link too");
}

#[test]
fn a_file_is_replaced_completely_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path();
    fs::write(output.join("a.html"), "old").expect("a file");
    let failed = replace(output, || Err(Error::Bug("no page".into())));
    assert!(failed.is_err() && fs::read(output.join("a.html")).expect("a") == b"old");
    assert_eq!(replace(output, || Ok(("a.html".into(), b"new".to_vec()))).expect("replaced"), output.join("a.html"));
    assert_eq!(fs::read(output.join("a.html")).expect("a"), b"new");
    let space = Workspace::open(output, "r1").expect("open");
    let busy = replace(output, || Ok(("a.html".into(), Vec::new()))).expect_err("busy").to_string();
    assert!(busy.contains("(run r1, since "), "{busy}");
    drop(space);
    assert_eq!(names_in(&output.join(WORK_FOLDER)).expect("list").into_iter().filter(|n| n.contains("new")).count(), 0);
}

#[test]
fn only_the_newest_failures_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    for i in 10..25 {
        let space = Workspace::open(folder.path(), &format!("r{i}")).expect("open");
        space.keep_failure(&[("run.json".into(), b"{}".to_vec())]).expect("keep");
    }
    let mut kept = names_in(&folder.path().join(".onefold/failed")).expect("list");
    kept.sort_unstable();
    assert_eq!((kept.len(), kept[0].as_str()), (KEPT_FAILURES, "r15"));
}
