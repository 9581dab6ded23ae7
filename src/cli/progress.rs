//! Progress on a terminal: turns a run's events into bars on stderr. Knows events only, never the pipeline; writes nothing
//! where stderr is no terminal.

mod look;
mod state;
mod view;

use std::fmt::{self, Debug};
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer};

use look::Look;
use state::State;
use view::Pace;

/// Between two pictures.
const TICK: Duration = Duration::from_millis(100);

/// A run that ends sooner needs no bars: they would only flash.
const QUICK: Duration = Duration::from_millis(200);

/// Stderr, with the bars on it while a run is at work. Lines go above them.
pub struct Screen {
    bar: Mutex<Option<ProgressBar>>,
    state: Arc<Mutex<State>>,
    look: Look,
}

impl Screen {
    /// The screen, where stderr is a terminal that can move its cursor.
    pub fn of_stderr() -> Option<Arc<Self>> {
        // Indicatif asks the same of the terminal.
        let able = !ProgressDrawTarget::stderr().is_hidden();
        able.then(|| Arc::new(Self { bar: Mutex::default(), state: Arc::default(), look: Look::of_environment() }))
    }

    /// Writes a line; bars stay below it.
    pub fn line(&self, line: &str) {
        let bar = lock(&self.bar).clone();
        // Nobody is left to tell when stderr is gone.
        let write = || drop(std::io::stderr().lock().write_all(format!("{line}\n").as_bytes()));
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Begins a stage: the bars' position, speed and time left are those of this stage.
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
        // The template is a constant.
        let style = style.template("{picture}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style);
        // All drawing is the ticker's: no worker waits for a slow terminal.
        bar.enable_steady_tick(TICK);
        bar
    }

    /// Takes the bars away.
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

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if !event.metadata().target().starts_with("onefold") {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Screen { bar, state, .. } = &*self.0;
        match fields.event.as_str() {
            "error" | "run_end" => self.0.end(),
            "run_start" => *lock(state) = State::default(),
            "stage_start" => {
                lock(state).begin(&fields);
                self.0.begin(fields.total);
            }
            name => {
                let done = lock(state).happened(name, &fields);
                if let (Some(bar), Some(done)) = (&*lock(bar), done) {
                    bar.set_position(done);
                }
            }
        }
    }
}

/// What the bars need of an event.
#[derive(Default)]
struct Fields {
    event: String,
    stage: String,
    total: u64,
    bytes: u64,
    rows: u64,
    shard: Option<usize>,
    shards: usize,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => value.clone_into(&mut self.event),
            "stage" => value.clone_into(&mut self.stage),
            _ => {}
        }
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "total" => self.total = value,
            "bytes" => self.bytes = value,
            "rows" => self.rows = value,
            "shard_id" => self.shard = usize::try_from(value).ok(),
            "shards" => self.shards = usize::try_from(value).unwrap_or(0),
            _ => {}
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// A panic while it was locked left nothing half done that a picture would mind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
