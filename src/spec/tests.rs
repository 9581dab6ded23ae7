use super::*;

/// A spec with one source `s` (columns `t` text, `i` int, `f` float, `d` date, `b` bool, `m` decimal) and one computed
/// column.
fn spec_with(computed: &str) -> String {
    format!(
        r#"[profile]
name = "test"
key = "id"
[sources.s]
files = ["s.csv"]
keep = ["t", "i", "f", "d", "b", "m"]
types = {{ i = "int", f = "float", d = "date", b = "bool", m = "decimal(12,2)" }}
[sources.many]
files = ["many.csv"]
types = {{ amount = "decimal(12,2)", n = "int", day = "date" }}
aggregates = {{ total = "sum(amount) filter (where state = 'paid')", rows = "count(*)" }}
[computed]
c = "{computed}"
[output]
columns = ["id", "c"]
"#
    )
}

/// Type of a computed column, or the error's text.
fn typed(sql: &str) -> std::result::Result<String, String> {
    let spec = Spec::parse(&spec_with(sql), "test.toml").map_err(|e| e.to_string())?;
    Ok(spec.output_type("c").map(|t| t.to_string()).unwrap_or_default())
}

#[test]
fn the_default_spec_is_valid() {
    let spec = Spec::default_profile().expect("the default spec");
    assert_eq!((spec.output.len(), spec.sources.len(), spec.uses_as_of), (31, 4, false));
    assert_eq!(spec.output.iter().filter(|c| c.merged).count(), 26);
}

#[test]
fn expressions_have_types() {
    for (sql, ty) in [
        ("i + 1", "int"),
        ("i + f", "float"),
        ("i / 2", "float"),
        ("-i", "int"),
        ("m + 1", "decimal(13,2)"),
        ("m + 0.125", "decimal(14,3)"),
        ("m + i", "decimal(22,2)"),
        ("- -5", "int"),
        ("m >= 10.5", "bool"),
        ("t || '!'", "text"),
        ("coalesce(i, 0)", "int"),
        ("coalesce(null, f, i)", "float"),
        ("case when i > 1 then 'a' when b then t end", "text"),
        ("case t when 'x' then 1 else null end", "int"),
        ("i between 1 and 3 and not b", "bool"),
        ("t in ('a', 'b') or t like 'x%'", "bool"),
        ("d >= date '2026-01-01'", "bool"),
        ("days_between(d, as_of)", "int"),
        ("year(d)", "int"),
        ("try_cast(t as decimal(9,3))", "decimal(9,3)"),
        ("cast(i as text)", "text"),
        ("coalesce(total, cast(0 as decimal(12,2)))", "decimal(22,2)"),
        ("cast(-1.5 as decimal(3,1))", "decimal(3,1)"),
        ("coalesce(total, 0)", "decimal(22,2)"),
        ("greatest(i, 3)", "int"),
        ("nullif(t, '')", "text"),
        ("round(f, 2)", "float"),
        ("length(upper(trim(t)))", "int"),
        ("total", "decimal(22,2)"),
        ("coalesce(rows, 0)", "int"),
        ("sources || id", "text"),
        ("b is not true", "bool"),
        ("cast(null as date)", "date"),
    ] {
        assert_eq!(typed(sql).as_deref(), Ok(ty), "{sql}");
    }
}

#[test]
fn what_could_go_wrong_on_data_is_refused_with_its_line() {
    for (sql, why) in [
        ("t >= 80", "`>=` over `t`: nothing says what that is: in `types` of `[sources.s]` add `t = "),
        ("d >= '2026-01-01'", "mix date and text"),
        ("case when b then 1 else 'x' end", "the branches of `case` mix int and text"),
        ("coalesce(i, t)", "the arguments of `coalesce` mix int and text"),
        ("m + f", "mix"),
        ("i and b", "`and` needs a bool, not int"),
        ("i + t", "the two sides of `+` mix int and text"),
        ("t + t", "`+` needs numbers"),
        ("d - d", "use `days_between(a, b)`"),
        ("m * m", "cast both sides to double"),
        ("sum(i)", "an aggregate cannot be used here"),
        ("count(*)", "an aggregate cannot be used here"),
        ("cast(t as int)", "use `try_cast"),
        ("cast(f as text)", "means different things"),
        ("nosuch", "no column `nosuch` here"),
        ("tt", "no column `tt` here"),
        ("rowz", "did you mean `rows`?"),
        ("random()", "unknown function `random`"),
        ("row_number() over ()", "not supported"),
        ("(select 1)", "not supported"),
        ("i +", "cannot parse"),
        ("i i", "unexpected `i` after the expression"),
        ("null", "only NULL"),
        ("99999999999999999999999999999999999999e999", "out of range"),
        ("t like t", "must be text in quotes"),
        ("replace(t, '', 'x')", "the second must not be empty"),
        ("replace(t, null, 'x')", "must be text in quotes"),
        ("cast(i as decimal(3,0))", "needs 19 digits before the point"),
        ("cast(i as decimal(38,19)) + cast(i as decimal(38,0))", "mix decimal(38,19) and decimal(38,0)"),
        ("read_csv('x')", "unknown function `read_csv`; known functions are abs"),
        ("I + 1", "did you mean `i`?"),
        (&["1"; 3000].join("+"), "more than 200 operators"),
        (&"x".repeat(40_000), "longer than 32768 bytes"),
    ] {
        let error = typed(sql).expect_err(sql);
        assert!(error.contains(why) && error.contains("`test.toml` line 13"), "{sql}: {error}");
    }
}

#[test]
fn aggregates_are_checked_where_they_are() {
    let with = |sql: &str| Spec::parse(&spec_with("i").replace("count(*)", sql), "t").map_err(|e| e.to_string());
    for good in [
        "count(distinct state)",
        "avg(amount)",
        "sum(n) + count(*)",
        "max_by(state, day)",
        "days_between(max(day), as_of)",
        "count(*) filter (where days_between(day, as_of) <= 30)",
        "coalesce(sum(n) filter (where n > 0), 0)",
        "sum(case when state = 'paid' then n else 0 end)",
    ] {
        assert!(with(good).is_ok(), "{good}: {:?}", with(good).err());
    }
    for (bad, why) in [
        ("amount", "must be inside an aggregate"),
        ("1", "an aggregate is needed here"),
        ("sum(amount) + n", "must be inside an aggregate"),
        ("sum(sum(n))", "cannot be inside another"),
        ("sum(state)", "`sum` over `state`: nothing says what that is"),
        ("sum(distinct n)", "not supported"),
        ("count(1)", "an aggregate of a constant"),
        ("sum(try_cast(state as decimal(38,0)))", "declare the column with at most 28"),
        ("sum(\\\"a`b\\\")", "`a`b` is not a valid column name"),
    ] {
        let error = with(bad).expect_err(bad);
        assert!(error.contains(why) && error.contains("line 11"), "{bad}: {error}");
    }
}

#[test]
fn a_wrong_spec_names_its_line() {
    let good = spec_with("i");
    for (from, to, line, why) in [
        ("name = \"test\"", "nmae = \"test\"", 2, "unknown field `nmae`"),
        ("\"t\", \"i\"", "\"t\", \"t\"", 6, "the name `t` is used twice"),
        ("keep = [\"t\"", "keep = [{ t = \"sources\" }", 6, "built-in name"),
        ("i = \"int\"", "i = \"integer\"", 7, "unknown type `integer`"),
        ("[sources.s]", "[sources.\"../s\"]", 4, "`../s` is not a valid name"),
        ("keep = [\"t\"", "keep = [{ t = \"__t\" }", 6, "`__t` is not a valid name"),
        ("files = [\"s.csv\"]", "files = [\"../s.csv\"]", 5, "leaves the input folder"),
        ("files = [\"s.csv\"]", "files = [\"s.csv\"]\nlatest_by = \"t\"", 6, "`latest_by` needs a date"),
        ("[\"id\", \"c\"]", "[\"id\", \"nope\"]", 15, "no column `nope`"),
        ("[\"id\", \"c\"]", "[\"c\", \"id\"]", 15, "must be the id"),
        ("[\"id\", \"c\"]", "[\"id\", \"c\", \"c\"]", 15, "listed twice"),
        ("key = \"id\"", "key = \"id\"\npopulation = [\"crm\"]", 4, "no source `crm`"),
        ("key = \"id\"", "key = \"id\"\npopulation = \"all\"", 4, "`population` must be"),
        ("[computed]", "[computed]\nrows = \"1\"", 13, "the name `rows` is used twice"),
        ("[computed]", "[computed", 12, ""),
        ("[output]", "[scores.x]\nneeds_any = [\"nope\"]\npoints = []\n[output]", 15, "no column `nope`"),
        (
            "[output]",
            "[scores.x]\nneeds_any = [\"i\"]\npoints = [{ when = \"i\", add = 1 }]\n[output]",
            16,
            "needs a bool",
        ),
        (
            "[output]",
            "[scores.x]\nneeds_any = [\"i\"]\npoints = []\nbands = [{ label = \"A\" }, { label = \"B\" }]\n[output]",
            17,
            "order `bands` from",
        ),
        ("[output]", "[scores.x]\nneeds_any = [\"i\"]\npoints = []\nclamp = [9, 1]\n[output]", 17, "`clamp` must be"),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let error = Spec::parse(&text, "t.toml").expect_err(to).to_string();
        assert!(error.contains(why) && error.contains(&format!("line {line}:")), "{to}: {error}");
    }
}

#[test]
fn any_header_can_be_a_column() {
    let text = spec_with(r#"\"Created (UTC)\""#).replacen("keep = [", "keep = [\"Created (UTC)\", ", 1);
    let spec = Spec::parse(&text, "t.toml").expect("a valid spec");
    assert_eq!(spec.output_type("c"), Some(Type::Text));
}

/// The conditions of one check as SQL and columns, or the error's text.
fn checked(check: &str) -> std::result::Result<String, String> {
    let text = spec_with("i").replacen("[output]", &format!("[[checks]]\n{check}\n[output]"), 1);
    let spec = Spec::parse(&text, "test.toml").map_err(|e| e.to_string())?;
    let Rule { name, severity, kind } = &spec.rules[0];
    let kind = match kind {
        RuleKind::Holds { condition, at_least } => format!("{} for {at_least}", condition.sql),
        RuleKind::RowsWithin(band) => format!("rows {band}"),
        RuleKind::Unique(column) => format!("unique {column}"),
    };
    Ok(format!("{name} | {severity:?} | {kind}"))
}

#[test]
fn checks_are_compiled() {
    for (check, want) in [
        ("that = \"c is not null\"", "c is not null | Error | c is not null for 100%"),
        (
            "that = \"t <> 'x'\"\nfor_at_least = \"99.5%\"\nseverity = \"warn\"\nname = \"no x\"",
            "no x | Warn | t <> 'x' for 99.5%",
        ),
        ("rows_within = \"20%\"", "rows within 20% | Error | rows 20%"),
        ("unique = \"c\"", "unique c | Error | unique c"),
        (
            "column = \"t\"\naccepted = [\"a\", \"it's\"]",
            "accepted t | Error | \"t\" in ('a', 'it''s') or \"t\" is null for 100%",
        ),
        ("column = \"i\"\naccepted = [1, -2]\nnulls = false", "accepted i | Error | \"i\" in (1, -2) for 100%"),
        (
            "column = \"d\"\naccepted = [\"2026-01-31\"]\nfor_at_least = \"50%\"",
            "accepted d | Error | \"d\" in (date '2026-01-31') or \"d\" is null for 50%",
        ),
        ("column = \"b\"\naccepted = [true]", "accepted b | Error | \"b\" in (true) or \"b\" is null for 100%"),
        (
            "that = \"days_between(d, as_of) < 9\"",
            "days_between(d, as_of) < 9 | Error | days_between(d, as_of) < 9 for 100%",
        ),
    ] {
        assert_eq!(checked(check).as_deref(), Ok(want), "{check}");
    }
    // The short form must come before the first table.
    let text = format!("checks = [{{ that = \"i > 0\" }}, {{ unique = \"id\" }}]\n{}", spec_with("i"));
    assert_eq!(Spec::parse(&text, "t").map(|spec| spec.rules.len()).map_err(|e| e.to_string()), Ok(2));
}

#[test]
fn a_wrong_check_names_its_line() {
    for (check, line, why) in [
        ("", 14, "a check must be one of"),
        ("column = \"t\"", 14, "a check must be one of"),
        ("that = \"b\"\nunique = \"c\"", 14, "a check must be one of"),
        ("that = \"i\"", 15, "`that`: it needs a bool, not int"),
        ("that = \"nosuch > 1\"", 15, "no column `nosuch`"),
        ("that = \"count(*) > 1\"", 15, "an aggregate cannot be used here"),
        ("that = \"idempotency_key is null\"", 15, "no column `idempotency_key`"),
        ("that = \"true\"", 15, "uses no column"),
        ("that = \"as_of is null\"", 15, "uses no column"),
        ("that = \"b\"\nfor_at_least = \"0.95\"", 16, "`0.95` is not a valid percentage"),
        ("that = \"b\"\nfor_at_least = \"101%\"", 16, "cannot be more than 100%"),
        ("unique = \"c\"\nfor_at_least = \"9%\"", 16, "`for_at_least` can only be used with"),
        ("unique = \"c\"\nnulls = true", 16, "`nulls` can only be used with"),
        ("unique = \"t\"", 15, "no output column `t`"),
        ("unique = \"cc\"", 15, "no output column `cc`"),
        ("rows_within = \"many\"", 15, "`many` is not a valid percentage"),
        ("column = \"x\"\naccepted = [1]", 15, "no column `x`"),
        ("column = \"t\"\naccepted = []", 16, "`accepted` is empty"),
        ("column = \"t\"\naccepted = [1]", 16, "mix text and int"),
        ("column = \"d\"\naccepted = [\"2026-02-30\"]", 16, "is not a valid literal"),
        ("that = \"b\"\nseverity = \"fatal\"", 16, "unknown variant `fatal`"),
        ("that = \"b\"\nname = \" \"", 16, "name is empty"),
        ("that = \"b\"\nnmae = \"x\"", 16, "unknown field `nmae`"),
    ] {
        let error = checked(check).expect_err(check);
        assert!(error.contains(why) && error.contains(&format!("`test.toml` line {line}:")), "{check}: {error}");
    }
}

#[test]
fn the_workings_hold_all_that_is_computed() {
    let spec = Spec::default_profile().expect("the default spec");
    let workings = spec.workings();
    assert_eq!(workings.output[..spec.output.len()], spec.output[..]);
    let more: Vec<&str> = workings.output[spec.output.len()..].iter().map(|c| c.name.as_str()).collect();
    let inner = ["crm_email", "billing_email", "product_email", "support_email", "payment_state", "plan_tier", "stage"];
    assert_eq!(more[..inner.len()], inner);
    let rules = spec.scores.iter().map(|s| s.points.len()).sum::<usize>();
    assert_eq!(more.len(), inner.len() + rules + spec.scores.len());
    assert!(workings.output[spec.output.len()..].iter().all(|c| !c.merged));
}
