//! The harness of all benchmarks: runs a piece of work for a while, several times over, and prints the median as a row of a
//! Markdown table. No thread, no statistics beyond the median: absolute numbers compare within one run only.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How often each measurement is repeated; the median counts.
const RUNS: usize = 7;
/// How long a run lasts at least.
const RUN: Duration = Duration::from_millis(80);

/// What one round of work gets done.
#[derive(Clone, Copy)]
pub struct Work {
    /// How many of `unit`.
    pub count: usize,
    /// What is counted: `command`, `message`.
    pub unit: &'static str,
    /// Octets read or written.
    pub octets: usize,
}

/// Prints the head of the table that [`measure`] fills.
pub fn head(title: &str) {
    println!("\n| {title} | ns each | each/s | MB/s |");
    println!("| --- | --- | --- | --- |");
}

/// Measures `round`, which tells how long its own part took.
pub fn measure(name: &str, work: Work, mut round: impl FnMut() -> Duration) {
    round();
    let mut runs: Vec<f64> = (0..RUNS).map(|_| run(&mut round)).collect();
    runs.sort_by(f64::total_cmp);
    let round_s = runs.get(RUNS / 2).copied().unwrap_or(f64::NAN);
    let each_s = round_s / work.count as f64;
    let (each_ns, rate) = (each_s * 1e9, 1.0 / each_s);
    let speed = work.octets as f64 / round_s / 1e6;
    println!(
        "| {name} (a {}) | {each_ns:.1} | {rate:.0} | {speed:.0} |",
        work.unit
    );
}

/// How long `work` takes.
pub fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

/// Seconds of one round, over a whole run.
fn run(round: &mut impl FnMut() -> Duration) -> f64 {
    let (start, mut spent, mut rounds) = (Instant::now(), Duration::ZERO, 0u32);
    while rounds == 0 || start.elapsed() < RUN {
        spent += round();
        rounds += 1;
    }
    spent.as_secs_f64() / f64::from(rounds)
}
