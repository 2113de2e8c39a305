//! The replay's way through a transcript: it compares turn by turn and goes on behind a difference.

use std::collections::VecDeque;

use super::{Run, SETUP, Stop, Strictness, broken, shown};
use crate::given::Given;
use crate::player::{Heard, Player};
use crate::replay::{How, Line, Replay};
use crate::transcript::{Expected, Must, Step, StepKind, Transcript};

/// How many groups of lines ahead one is looked for that comes too early.
const AHEAD_MAX: usize = 256;

/// Plays a transcript to its end and compares every line.
pub fn replay(transcript: &Transcript, player: &mut dyn Player) -> Replay {
    let mut run = Run::new(transcript, player, Strictness::EveryLine);
    let mut lines = Vec::new();
    let broken = match run.replay(&mut lines) {
        Ok(()) => None,
        Err(Stop::Failed { line, what }) => Some(format!("line {line}: {what}")),
        Err(Stop::NotOffered(what)) => Some(format!("needs {what}")),
    };
    run.close_all();
    Replay { lines, broken }
}

/// A group of lines in any order, and those of it that have not come.
type Group = Vec<Expected>;

impl Run<'_> {
    fn replay(&mut self, lines: &mut Vec<Line>) -> Result<(), Stop> {
        let given: Vec<_> = self
            .transcript
            .given
            .iter()
            .map(|phrase| Given::parse(phrase))
            .collect::<Result<_, _>>()
            .map_err(|bad| Stop::Failed {
                line: 1,
                what: bad.to_string(),
            })?;
        self.set_up(&given)?;
        let mut rest = &self.transcript.steps[..];
        while let Some((step, behind)) = rest.split_first() {
            if let StepKind::Expect(_) | StepKind::ServerCloses(_) = step.kind {
                let len = rest
                    .iter()
                    .position(|step| !matches!(step.kind, StepKind::Expect(_) | StepKind::ServerCloses(_)))
                    .unwrap_or(rest.len());
                let (turn, behind) = rest.split_at(len);
                self.turn(turn, lines)?;
                rest = behind;
            } else {
                self.step(step)?;
                lines.extend(self.said.drain(..).map(same));
                // Before the client closes, or the transcript ends, all must have been heard.
                let next = behind.first().map(|next| &next.kind);
                if matches!(next, None | Some(StepKind::ClientCloses(_)))
                    && !matches!(step.kind, StepKind::ClientCloses(_))
                {
                    self.turn(&[], lines)?;
                }
                rest = behind;
            }
        }
        Ok(())
    }

    /// Compares what is expected before the client speaks again, connection by connection.
    fn turn(&mut self, turn: &[Step], lines: &mut Vec<Line>) -> Result<(), Stop> {
        let mut numbers: Vec<u8> = self
            .open
            .iter()
            .copied()
            .filter(|&number| number != SETUP)
            .collect();
        for step in turn {
            match &step.kind {
                StepKind::Expect(expected) => numbers.extend(expected.iter().map(|line| line.connection)),
                StepKind::ServerCloses(number) => numbers.push(*number),
                _ => {}
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
            .into_iter()
            .try_for_each(|number| self.compare(number, turn, lines))
    }

    fn compare(&mut self, number: u8, turn: &[Step], lines: &mut Vec<Line>) -> Result<(), Stop> {
        let mut groups: VecDeque<Group> = turn
            .iter()
            .filter_map(|step| match &step.kind {
                StepKind::Expect(group) => Some(
                    group
                        .iter()
                        .filter(|line| line.connection == number)
                        .cloned()
                        .collect(),
                ),
                _ => None,
            })
            .filter(|group: &Group| !group.is_empty())
            .collect();
        // What may come stays open until something has come that must.
        let pending = self.pending.extract_if(.., |line| line.connection == number);
        groups.push_front(pending.collect());
        let closing = turn
            .iter()
            .find(|step| step.kind == StepKind::ServerCloses(number));
        let line = closing.or(turn.first()).map_or(1, |step| step.line);
        let mut more = Vec::new();
        loop {
            let wait = closing.is_some() || groups.iter().flatten().any(|line| line.must == Must::Come);
            self.ensure_open(number, line)?;
            let heard = if wait {
                self.player.hear(number)
            } else {
                self.player.left_over(number)
            };
            match heard.map_err(|error| broken(line, &error))? {
                Heard::Line(heard) => {
                    let text = format!("{number}S: {}", shown(&heard));
                    match self.place(&mut groups, &heard) {
                        Some(missing) => {
                            lines.extend(missing);
                            lines.append(&mut more);
                            lines.push(same(text));
                        }
                        None => more.push(Line { how: How::More, text }),
                    }
                }
                other => {
                    lines.extend(groups.iter().flat_map(missing));
                    lines.append(&mut more);
                    let open = groups.into_iter().rev().take_while(|group| !has_must(group));
                    self.pending.extend(open.flatten());
                    return self.compare_end(number, &other, closing.is_some(), line, lines);
                }
            }
        }
    }

    /// Finds the line that was heard among the expected ones and takes it out; the lines before it that have not come. `None`: it
    /// is not among them, or forbidden.
    fn place(&mut self, groups: &mut VecDeque<Group>, heard: &[u8]) -> Option<Vec<Line>> {
        let (at, index) = self.find(groups, heard)?;
        match groups[at][index].must {
            Must::MayRepeat => return Some(Vec::new()),
            Must::MayCome => {
                groups[at].remove(index);
                return Some(Vec::new());
            }
            Must::Come | Must::NotCome => {}
        }
        groups[at].remove(index);
        let skipped = groups.range(..at).flat_map(missing).collect();
        for group in groups.range_mut(..at) {
            group.retain(|line| line.must != Must::Come);
        }
        // What may come before a group may come until the last of it has.
        if !has_must(&groups[at]) {
            groups.drain(..=at);
        }
        Some(skipped)
    }

    /// The group that must come next has precedence, then what may come before it, then what should come only later.
    fn find(&mut self, groups: &VecDeque<Group>, heard: &[u8]) -> Option<(usize, usize)> {
        let next = groups.iter().position(has_must).unwrap_or(groups.len());
        let captures = &mut self.captures;
        let mut among = |at: usize, fits: fn(Must) -> bool| {
            let found = |line: &Expected| fits(line.must) && line.pattern.matches(heard, captures);
            Some((at, groups.get(at)?.iter().position(found)?))
        };
        if (0..=next).any(|at| among(at, |must| must == Must::NotCome).is_some()) {
            return None;
        }
        among(next, |must| must != Must::NotCome)
            .or_else(|| (0..next).find_map(|at| among(at, |must| must != Must::NotCome)))
            .or_else(|| (next + 1..next + AHEAD_MAX).find_map(|at| among(at, |must| must == Must::Come)))
    }

    fn compare_end(
        &mut self,
        number: u8,
        heard: &Heard,
        expected: bool,
        line: usize,
        lines: &mut Vec<Line>,
    ) -> Result<(), Stop> {
        let closes = *heard == Heard::Closed;
        let how = match (closes, expected) {
            (false, false) => return Ok(()),
            (true, true) => How::Same,
            // A transcript need not say how its last line is followed.
            (true, false) if !self.goes_on(number, line) => return Ok(()),
            (true, false) => How::More,
            (false, true) => How::Missing,
        };
        lines.push(Line {
            how,
            text: format!("{number}S closes"),
        });
        if closes {
            self.open.remove(&number);
            self.player.close(number).map_err(|error| broken(line, &error))?;
        }
        if how == How::More {
            let what = format!("connection {number} is closed and the session cannot go on");
            return Err(Stop::Failed { line, what });
        }
        Ok(())
    }

    /// Whether the client says more on a connection behind a line.
    fn goes_on(&self, number: u8, line: usize) -> bool {
        let says =
            |step: &Step| matches!(step.kind, StepKind::Send { connection, .. } if connection == number);
        self.transcript
            .steps
            .iter()
            .any(|step| step.line > line && says(step))
    }
}

fn has_must(group: &Group) -> bool {
    group.iter().any(|line| line.must == Must::Come)
}

fn same(text: String) -> Line {
    Line { how: How::Same, text }
}

fn missing(group: &Group) -> Vec<Line> {
    let line = |line: &Expected| Line {
        how: How::Missing,
        text: format!("{}S: {}", line.connection, line.pattern),
    };
    group
        .iter()
        .filter(|line| line.must == Must::Come)
        .map(line)
        .collect()
}
