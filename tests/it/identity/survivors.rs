//! `[fields]`: one value of several, and where each comes from.

use super::{A, B, Case, account};
use crate::workdir::Workdir;

const SPEC: &str = r#"
[profile]
name = "p"

[identity]
name_by = ["salesforce", "email"]
link_by = ["email"]
[identity.kinds]
salesforce = { is = "salesforce_id" }
email = { is = "email" }

[sources.crm]
files = ["crm.csv"]
key = { column = "id", kind = "salesforce" }
ids = [{ column = "mail", kind = "email" }]
latest_by = "day"
fill = "older"
keep = [{ phone = "crm_phone" }, { size = "crm_size" }]
types = { day = "date", size = "int" }

[sources.hub]
files = ["hub.csv"]
ids = [{ column = "mail", kind = "email" }]
latest_by = "seen"
keep = [{ phone = "hub_phone" }, { size = "hub_size" }]
types = { seen = "datetime", size = "int" }

[sources.old]
files = ["old.csv"]
ids = [{ column = "mail", kind = "email" }]
keep = [{ phone = "old_phone" }]

[fields.newest]
from = ["crm_phone", "hub_phone", "old_phone"]
pick = "newest"

[fields.oldest]
from = ["crm_phone", "hub_phone", "old_phone"]
pick = "oldest"

[fields.first]
from = ["old_phone", "hub_phone", "crm_phone"]
pick = "first"

[fields.least]
from = ["crm_size", "hub_size"]
pick = "min"

[fields.most]
from = ["crm_size", "hub_size"]
pick = "max"

[computed]
double = "most * 2"

[output]
columns = ["customer_id", "newest", "oldest", "first", "least", "most", "double"]
provenance = true
"#;

fn sample() -> Case {
    let dir = Workdir::new();
    dir.write("p.toml", SPEC);
    // The newest row of A has no phone: an older one gives it, and its day counts.
    dir.write(
        "in/crm.csv",
        format!("id,mail,day,phone,size\n{A},a@x.io,2026-03-01,,5\n{A},a@x.io,2026-01-10,111,\n{B},b@x.io,2026-02-02,222,7\n"),
    );
    dir.write(
        "in/hub.csv",
        "mail,seen,phone,size\na@x.io,2026-01-10 00:00:00,333,9\nb@x.io,2026-02-02 00:00:01,444,7\n",
    );
    dir.write("in/old.csv", "mail,phone\nb@x.io,555\nc@x.io,\n");
    Case { dir }
}

#[test]
fn a_field_takes_one_value_and_says_where_all_come_from() {
    let all = sample();
    all.run(&[]).expect(0);
    // A day is its midnight: of equal moments the first column wins; without a moment a value is the oldest.
    let (a, b) = (account(A), account(B));
    assert_eq!(
        all.dir.read("out/profiles.csv"),
        format!(
            "customer_id,newest,oldest,first,least,most,double\nemail:c@x.io,,,,,,\n{a},111,111,333,5,9,18\n{b},444,555,555,7,7,14\n"
        )
    );
    let told = all.dir.read("out/provenance.csv");
    let of = |field: &str| told.lines().filter(|l| l.contains(&format!(",{field},"))).collect::<Vec<_>>().join("\n");
    assert!(told.starts_with("customer_id,field,value,source,file,line,at,won\n"));
    assert_eq!(
        of("newest"),
        format!(
            "{a},newest,111,crm,crm.csv,3,2026-01-10,true\n{a},newest,333,hub,hub.csv,2,2026-01-10T00:00:00Z,false\n{b},newest,222,crm,crm.csv,4,2026-02-02,false\n{b},newest,444,hub,hub.csv,3,2026-02-02T00:00:01Z,true\n{b},newest,555,old,old.csv,2,,false"
        )
    );
    assert_eq!(
        of("most"),
        format!(
            "{a},most,5,crm,crm.csv,2,2026-03-01,false\n{a},most,9,hub,hub.csv,2,2026-01-10T00:00:00Z,true\n{b},most,7,crm,crm.csv,4,2026-02-02,true\n{b},most,7,hub,hub.csv,3,2026-02-02T00:00:01Z,false"
        )
    );
    all.dir.onefold(&["verify", "--input", "in", "--output", "out"]).expect(0);
    let why = all.dir.onefold(&["explain", "--input", "in", "--output", "out", "b@x.io"]).stdout();
    assert!(why.contains("444  (newest of 3)\n") && why.contains("old_phone = 555"), "{why}");
    let want = told;
    all.run(&["--fresh", "--shards", "1", "--threads", "1", "--memory-limit", "1kB"]).expect(0);
    assert_eq!(all.dir.read("out/provenance.csv"), want);
}

#[test]
fn fields_that_cannot_be_compared_are_refused() {
    for (from, to, why) in [
        (
            "from = [\"crm_size\", \"hub_size\"]\npick = \"min\"",
            "from = [\"crm_size\", \"hub_phone\"]\npick = \"min\"",
            "have one type",
        ),
        ("from = [\"crm_size\", \"hub_size\"]\npick = \"min\"", "from = []\npick = \"min\"", "`from` is empty"),
        (
            "from = [\"crm_size\", \"hub_size\"]\npick = \"min\"",
            "from = [\"crm_phone\"]\npick = \"min\"",
            "nothing says what that is",
        ),
        ("pick = \"min\"", "pick = \"best\"", "`pick` is \"first\" or \"newest\""),
        (
            "from = [\"crm_size\", \"hub_size\"]\npick = \"min\"",
            "from = [\"old_phone\"]\npick = \"newest\"",
            "no source of these columns has `latest_by`",
        ),
        ("types = { seen = \"datetime\"", "types = { seen = \"int\"", "cannot be compared with a date"),
        ("from = [\"old_phone\", \"hub_phone\"", "from = [\"old_fone\", \"hub_phone\"", "did you mean `old_phone`?"),
        ("from = [\"old_phone\", \"hub_phone\"", "from = [\"newest\", \"hub_phone\"", "is not kept by a source"),
    ] {
        let all = sample();
        assert!(SPEC.contains(from), "{from}");
        all.dir.write("p.toml", SPEC.replacen(from, to, 1));
        let told = all.run(&[]).expect(3);
        assert!(told.contains(why), "{why}: {told}");
    }
}

#[test]
fn provenance_shows_nothing_erased_and_stands_beside_aggregates() {
    let all = sample();
    let spec = SPEC.replace("[fields.newest]", "[sources.pay]\nfiles = [\"pay.csv\"]\nkey = { column = \"id\", kind = \"salesforce\" }\ntypes = { amount = \"int\" }\naggregates = { paid = \"sum(amount)\" }\n\n[fields.newest]");
    let spec = spec.replace("link_by = [\"email\"]\n", "link_by = [\"email\"]\nerase = \"erase.csv\"\n");
    all.dir.write("p.toml", spec.replace("\"double\"]", "\"double\", \"paid\"]"));
    all.dir.write("in/pay.csv", format!("id,amount\n{A},5\n{A},6\n"));
    all.dir.write("in/erase.csv", "kind,value\nemail,z@x.io\n");
    all.run(&[]).expect(0);
    assert!(all.dir.read("out/profiles.csv").contains(",18,11\n"));
    // The value that lost shows it.
    all.dir.write("in/old.csv", "mail,phone\nb@x.io,z@x.io\n");
    let told = all.run(&[]).expect(6);
    assert!(told.contains("`first`") && !told.contains("z@x"), "{told}");
    all.dir.write("p.toml", all.dir.read("p.toml").replace("\"oldest\", \"first\", ", ""));
    let told = all.run(&[]).expect(6);
    assert!(told.contains("`provenance.csv` would show what is erased, in `value` of"), "{told}");
    assert!(!all.dir.exists("out/.onefold/checkpoints"), "built shards would hold it");
}
