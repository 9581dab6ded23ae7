//! Specs and lists that a run refuses, each with its line and its cure.

use super::{A, case};

/// Replaces a part of the spec and gives what is said.
fn refused(from: &str, to: &str, code: i32) -> String {
    let all = case(&[("accounts", &[A])]);
    let spec = all.dir.read("p.toml");
    assert!(spec.contains(from), "{from}");
    all.dir.write("p.toml", spec.replacen(from, to, 1));
    all.run(&[]).expect(code)
}

#[test]
fn a_spec_of_identity_must_fit_together() {
    let kinds = "name_by = [\"salesforce\", \"hubspot\", \"stripe\", \"email\"]";
    for (from, to, why) in [
        (kinds, "name_by = [\"salesforce\", \"hubspot\", \"stripe\"]", "`name_by` does not list the kind `email`"),
        (kinds, "name_by = [\"email\", \"email\"]", "`name_by` lists `email` twice"),
        (kinds, "name_by = [\"map\"]", "`map` is a rule's name in the outputs"),
        (kinds, "name_by = [\"a b\"]", "`a b` is no name for a kind"),
        (kinds, "", "`[identity]` needs `name_by`"),
        (
            "link_by = [\"salesforce\", \"email\"]",
            "link_by = [\"email\"]",
            "`link_by` does not list the kind `salesforce`",
        ),
        ("link_by = [", "at_most = { email = 0 }\nlink_by = [", "`at_most` is 1 or more"),
        ("link_by = [", "apart = \"../apart.csv\"\nlink_by = [", "leaves the input folder"),
        (
            "key = { column = \"id\", kind = \"stripe\" }\nids",
            "key = \"id\"\nids",
            "with `[identity]` a key has a kind",
        ),
        (
            "key = { column = \"id\", kind = \"stripe\" }\nids",
            "key = { column = \"id\", kind = \"strip\" }\nids",
            "did you mean `stripe`?",
        ),
        (
            "key = { column = \"id\", kind = \"stripe\" }\nids = [{ column = \"Email\", kind = \"email\", split = \";\" }]\n",
            "",
            "neither `key` nor `ids`",
        ),
        ("split = \";\" }]\nmerged_into", "split = \"\" }]\nmerged_into", "`split` is what stands between"),
        ("keep = [\"Name\"]", "strip_prefix = \"x\"\nkeep = [\"Name\"]", "kinds say what an id is"),
        (
            "keep = [{ Email = \"bill_to\" }]",
            "keep = [{ Email = \"ids_email\" }]",
            "the name `ids_email` is used twice",
        ),
        ("keep = [\"Name\"]", "optional = [\"Id\"]\nkeep = [\"Name\"]", "the id cannot be optional"),
    ] {
        let told = refused(from, to, 3);
        assert!(told.contains(why) && told.contains("`p.toml` line"), "{why}: {told}");
    }
    let plain = case(&[]);
    plain.dir.write(
        "p.toml",
        "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\nids = [{ column = \"e\", kind = \"email\" }]\n[output]\ncolumns = [\"id\"]\n",
    );
    assert!(plain.run(&[]).expect(3).contains("need `[identity]` with `name_by`"));
    plain.run(&["--erase", "x.csv"]).expect(3);
}

#[test]
fn a_list_must_be_whole() {
    for (table, row, why) in [
        ("erase", "email,nonsense", "`erase.csv` line 2: its value is not one of its kind"),
        ("erase", "mail,a@x.io", "its kind is not one of `name_by`"),
        ("apart", "email,a@x.io,email,A@x.io", "both identifiers are the same one"),
        ("erase", "email,\"a@x.io", "`erase.csv` line 2: a quote opens here and is not closed"),
        ("map", "\"2\"x,cus_1", "`map.csv` line 2: a quote opens here"),
        ("map", "a,b,c", "`map.csv` line 2: it has more or fewer fields"),
    ] {
        let all = case(&[("accounts", &[A]), (table, &[row])]);
        let told = all.run(&[]).expect(4);
        assert!(told.contains(why), "{why}: {told}");
        assert!(!all.dir.exists("out/profiles.csv"));
    }
    // The run would overwrite its own list, or a file that no run wrote.
    let own = case(&[("accounts", &[A])]);
    own.dir.write("out/refused.csv", "kind,value\nstripe,cus_9\n");
    assert!(own.run(&["--erase", "out/refused.csv"]).expect(7).contains("overwrite its own input"));
    assert!(own.run(&[]).expect(7).contains("no run wrote it"));
    // A list is looked at before anything is read.
    own.dir.onefold(&["check", "--profile", "p.toml", "--input", "in"]).expect(0);
    let all = case(&[("accounts", &[A]), ("erase", &[])]);
    all.dir.write("in/erase.csv", "kind,worth\nemail,a@x.io\n");
    assert!(all.run(&[]).expect(4).contains("it has no column `value`"));
    all.dir.write("in/erase.csv", b"kind,value\nemail,\xFF\n");
    assert!(all.run(&[]).expect(4).contains("`erase.csv` line 2: it is not UTF-8"));
    std::fs::remove_file(all.dir.path("in/erase.csv")).expect("removed");
    assert!(all.run(&[]).expect(4).contains("erase.csv"));
}
