//! Fills templates, with every value escaped. Refuses a template with a name that has no value.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value, escape_formatter};
use onefold::{Error, Result};
use serde::{Serialize, Serializer};

/// Text made by a template: it is markup already and must not be escaped again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Safe(String);

impl Safe {
    /// Markup from the source code, without any value.
    pub fn constant(markup: &'static str) -> Self {
        Self(markup.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Safe {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Value::from_safe_string(self.0.clone()).serialize(serializer)
    }
}

/// Fills a template of HTML or SVG. Fails with [`Error::Bug`] if a value is missing.
pub fn render(name: &'static str, template: &'static str, values: &impl Serialize) -> Result<Safe> {
    let bug = |e: minijinja::Error| Error::Bug(format!("the template `{name}`: {e}"));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(printable);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(bug)?);
    environment.render_named_str(name, template, Value::from(Serde(values))).map(Safe).map_err(bug)
}

/// Replaces characters that XML does not allow, or that change the direction of text, by U+FFFD: paths and headers can
/// contain any character.
fn printable(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> std::result::Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && text.contains(is_unprintable) => {
            escape_formatter(out, state, &Value::from(text.replace(is_unprintable, "\u{fffd}")))
        }
        _ => escape_formatter(out, state, value),
    }
}

fn is_unprintable(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{fffe}' | '\u{ffff}') || turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Values<'a> {
        text: &'a str,
        inner: Safe,
    }

    fn filled(text: &str) -> String {
        let inner = Safe("<b/>".into());
        render("t", "<i>{{ text }}</i>{{ inner }}", &Values { text, inner }).expect("filled").as_str().to_owned()
    }

    #[test]
    fn values_are_escaped_and_markup_of_templates_is_not() {
        assert_eq!(filled("a<b>&\"'"), "<i>a&lt;b&gt;&amp;&quot;&#x27;</i><b/>");
    }

    #[test]
    fn what_xml_does_not_allow_is_replaced() {
        assert_eq!(filled("a\u{1}b\u{ffff}c\nd\u{202e}<"), "<i>a\u{fffd}b\u{fffd}c\nd\u{fffd}&lt;</i><b/>");
    }

    #[test]
    fn an_unknown_name_is_a_bug() {
        let error = render("t", "{{ nothing }}", &Values { text: "", inner: Safe::default() }).expect_err("strict");
        assert!(error.to_string().contains("the template `t`"), "{error}");
    }
}
