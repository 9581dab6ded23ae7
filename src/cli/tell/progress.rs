//! Progress on a terminal: shows a run's events as bars on stderr. Knows only events, never the pipeline; writes
//! nothing if stderr is not a terminal.

mod look;
mod state;
mod view;

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use onefold::event::Event;
use tracing::Subscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer};

use super::log;

use look::Look;
use state::State;
use view::Pace;

/// Time between two pictures.
const TICK: Duration = Duration::from_millis(100);

/// A run that is shorter shows no bars, because they would only flicker.
const QUICK: Duration = Duration::from_millis(200);

/// Stderr, with bars while a run works. Lines are written above them.
pub struct Screen {
    bar: Mutex<Option<ProgressBar>>,
    state: Arc<Mutex<State>>,
    look: Look,
}

impl Screen {
    /// The screen, if stderr is a terminal that can move its cursor.
    pub fn of_stderr() -> Option<Arc<Self>> {
        // Indicatif has the same condition.
        let able = !ProgressDrawTarget::stderr().is_hidden();
        able.then(|| Arc::new(Self { bar: Mutex::default(), state: Arc::default(), look: Look::of_environment() }))
    }

    /// Writes a line above the bars.
    pub fn line(&self, line: &str) {
        let bar = lock(&self.bar).clone();
        // If stderr is closed, there is no place to report it.
        let write = || drop(std::io::stderr().lock().write_all(format!("{line}\n").as_bytes()));
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Begins a stage: from now on the bars show its position, speed and time left.
    fn begin(&self, total: u64) {
        let bar = lock(&self.bar).get_or_insert_with(|| self.draw()).clone();
        bar.reset();
        bar.set_length(total);
    }

    fn draw(&self) -> ProgressBar {
        let (state, look) = (Arc::clone(&self.state), self.look);
        let picture = move |stage: &ProgressState, text: &mut dyn fmt::Write| {
            let state = lock(&state);
            if state.elapsed() < QUICK {
                return;
            }
            let pace = Pace { per_second: stage.per_sec(), left: stage.eta() };
            // Writing to a String cannot fail.
            let _ = text.write_str(&view::lines(&state, &pace, look, look::width()).join("\n"));
        };
        let style = ProgressStyle::default_bar().with_key("picture", picture);
        // The template is a constant, so it is valid.
        let style = style.template("{picture}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style);
        // A thread of its own draws, so that no worker waits for a slow terminal.
        bar.enable_steady_tick(TICK);
        bar
    }

    /// Removes the bars.
    fn end(&self) {
        if let Some(bar) = lock(&self.bar).take() {
            bar.finish_and_clear();
        }
    }
}

/// The layer that watches a run.
pub struct Progress(pub Arc<Screen>);

impl<S: Subscriber> Layer<S> for Progress {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let Some(event) = log::read(event) else { return };
        let Screen { bar, state, .. } = &*self.0;
        match event {
            Event::Error { .. } | Event::RunEnd { .. } => self.0.end(),
            Event::RunStart { .. } => *lock(state) = State::default(),
            Event::StageStart { stage, total, shards } => {
                lock(state).begin(stage, total, shards);
                self.0.begin(total);
            }
            event => {
                let done = lock(state).happened(&event);
                if let (Some(bar), Some(done)) = (&*lock(bar), done) {
                    bar.set_position(done);
                }
            }
        }
    }
}

/// Ignores that another thread panicked with the lock: the value is still good enough for a picture.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
