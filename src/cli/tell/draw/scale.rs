//! Scales with ticks at round values: a vertical one from zero, and ticks between any two values. Draws nothing.

/// Values from 0 to `max` on pixels from `bottom` up to `top`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    top: f64,
    bottom: f64,
    max: f64,
    step: f64,
}

impl Scale {
    /// A scale up to at least `largest`, with about `ticks` steps.
    pub fn new(top: f64, bottom: f64, largest: f64, ticks: f64) -> Self {
        let largest = if largest.is_finite() && largest > 0.0 { largest } else { 1.0 };
        let step = round_step(largest / ticks);
        Self { top, bottom, max: (largest / step).ceil() * step, step }
    }

    /// The pixel of a value.
    pub fn at(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * value / self.max
    }

    /// Values and texts of the ticks, including zero.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let decimals = decimals(self.step);
        let count = (self.max / self.step).round() as u32;
        (0..=count).map(|n| f64::from(n) * self.step).map(|v| (v, format!("{v:.decimals$}"))).collect()
    }
}

/// Round values from `from` to `to` with their texts, about `most` of them at most.
pub fn ticks(from: f64, to: f64, most: f64) -> Vec<(f64, String)> {
    let length = to - from;
    if !length.is_finite() || length <= 0.0 {
        return Vec::new();
    }
    let step = round_step(length / most);
    let decimals = decimals(step);
    let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
    (first..=last).map(|n| n as f64 * step).map(|v| (v, format!("{v:.decimals$}"))).collect()
}

/// Decimals that are needed to tell neighbouring ticks apart.
fn decimals(step: f64) -> usize {
    (0..6).find(|d| is_whole(step * 10f64.powi(*d))).map_or(6, |d| d.unsigned_abs() as usize)
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6 && value.round() >= 1.0
}

/// The smallest of 1, 2, 2.5 or 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 2.5, 5.0].into_iter().map(|m| m * power).find(|s| *s >= step * 0.999_999).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(largest: f64) -> Vec<String> {
        Scale::new(0.0, 100.0, largest, 4.0).ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(9.3), ["0.0", "2.5", "5.0", "7.5", "10.0"]);
        assert_eq!(labels(0.031), ["0.00", "0.01", "0.02", "0.03", "0.04"]);
        assert_eq!(labels(740.0), ["0", "200", "400", "600", "800"]);
        assert_eq!(labels(4.0), ["0", "1", "2", "3", "4"]);
    }

    #[test]
    fn ticks_are_between_two_values() {
        let texts = |from, to| ticks(from, to, 4.0).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(0.31, 0.47), ["0.35", "0.40", "0.45"]);
        assert_eq!(texts(-3.0, 7.0), ["-2.5", "0.0", "2.5", "5.0"]);
        assert!(texts(1.0, 1.0).is_empty() && texts(0.0, f64::NAN).is_empty());
    }

    #[test]
    fn values_go_from_bottom_to_top() {
        let scale = Scale::new(20.0, 120.0, 4.0, 4.0);
        assert_eq!((scale.at(0.0), scale.at(2.0), scale.at(4.0)), (120.0, 70.0, 20.0));
        assert_eq!(Scale::new(0.0, 1.0, 0.0, 4.0), Scale::new(0.0, 1.0, f64::NAN, 4.0));
    }
}
