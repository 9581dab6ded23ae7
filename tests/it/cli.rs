//! CLI cases as files: `tests/cmd/*.trycmd` have commands and what they print.

#[test]
fn the_cases_in_tests_cmd() {
    let cases = trycmd::TestCases::new();
    cases.register_bin("onefold", std::path::Path::new(env!("CARGO_BIN_EXE_onefold")));
    cases.case("tests/cmd/*.trycmd");
}
