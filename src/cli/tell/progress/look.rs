//! What the terminal can show: its width, colours and characters. Draws nothing.

use rustix::termios::tcgetwinsize;

/// Width of a terminal that does not report it.
const USUAL_WIDTH: usize = 80;

/// Columns of the terminal on stderr, read for each picture because windows change their size.
pub fn width() -> usize {
    let size = tcgetwinsize(std::io::stderr()).ok().map(|size| usize::from(size.ws_col));
    size.filter(|columns| *columns > 0).unwrap_or(USUAL_WIDTH)
}

/// Characters and colours.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub signs: Signs,
    pub colours: bool,
}

/// One character for each state, so that nothing is shown by colour alone.
#[derive(Debug, Clone, Copy)]
pub struct Signs {
    pub full: char,
    pub empty: char,
    pub waiting: char,
    pub running: char,
    pub retrying: char,
    pub done: char,
    pub failed: char,
}

const UNICODE: Signs =
    Signs { full: '━', empty: '─', waiting: '·', running: '▸', retrying: '↻', done: '■', failed: '✗' };

const ASCII: Signs = Signs { full: '=', empty: '-', waiting: '.', running: '>', retrying: '!', done: '#', failed: 'x' };

/// Colours of the terminal's own palette, so that they fit its background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Look {
    /// From the environment: `NO_COLOR`, if it is not empty, and the locale's character set.
    pub fn of_environment() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| set(name)).unwrap_or_default();
        let utf8 = ["utf-8", "utf8"].iter().any(|name| locale.to_lowercase().contains(name));
        Self { signs: if utf8 { UNICODE } else { ASCII }, colours: set("NO_COLOR").is_none() }
    }

    /// The text in a colour, if colours are used.
    pub fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            _ if !self.colours || text.is_empty() => return text.to_owned(),
            Ink::Plain => return text.to_owned(),
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Red => "31",
            Ink::Green => "32",
            Ink::Yellow => "33",
            Ink::Cyan => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
impl Look {
    pub const PLAIN: Self = Self { signs: UNICODE, colours: false };
    pub const COLOURED: Self = Self { signs: UNICODE, colours: true };
}
