//! Reading bodies: one GET for a range, passed on piece by piece, and taken up again where it broke.

use std::ops::Range;
use std::sync::Arc;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use bytes::{Bytes, BytesMut};
use lightmail_core::store::Failure;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::AbortHandle;

use super::client::Wire;
use super::trouble::Trouble;
use crate::objects::reader::piece_of;
use crate::reactor::Reactor;

/// How often a read that breaks is taken up again without a piece between.
const TRIES: u32 = 3;

/// A range of an object on its way. Holds at most two pieces; dropping it ends the request.
#[derive(Debug)]
pub(crate) struct Stream {
    pieces: Receiver<Result<Piece, Failure>>,
    task: Option<AbortHandle>,
}

/// A piece of an object.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) octets: Bytes,
    /// Octets of the whole object.
    pub(crate) size: u64,
}

impl Stream {
    pub(super) fn begin(reactor: &Reactor, wire: &Arc<Wire>, key: String, range: Range<u64>) -> Self {
        let (to, pieces) = channel(1);
        let pump = Pump {
            wire: Arc::clone(wire),
            key,
            left: range.clone(),
            fetched: range.start,
            part: BytesMut::new(),
            to,
        };
        let task = reactor
            .handle()
            .map(|handle| handle.spawn(pump.run()).abort_handle());
        Self { pieces, task }
    }

    /// The next piece: of what is left, as much as [`piece_of`] says.
    pub(crate) async fn next(&mut self) -> Result<Piece, Failure> {
        let piece = self.pieces.recv().await;
        piece.unwrap_or_else(|| Err(Failure::broken("a read has ended early")))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// Fetches, and waits whenever the reader has a piece that it has not taken.
struct Pump {
    wire: Arc<Wire>,
    key: String,
    /// What has not been given to the reader.
    left: Range<u64>,
    /// The next octet to come.
    fetched: u64,
    /// What has come of the next piece.
    part: BytesMut,
    to: Sender<Result<Piece, Failure>>,
}

impl Pump {
    async fn run(mut self) {
        if let Err(trouble) = self.fetch().await {
            trouble.log("GET", &self.wire.place());
            // An error: nobody reads any more.
            let _ = self.to.send(Err(trouble.failure())).await;
        }
    }

    async fn fetch(&mut self) -> Result<(), Trouble> {
        let mut tries = 0;
        while !self.left.is_empty() {
            let before = self.left.start;
            let answer = self.get().await?;
            if let Err(trouble) = self.pass_on(answer).await {
                tries = if self.left.start > before { 1 } else { tries + 1 };
                if tries >= TRIES || !trouble.is_passing() {
                    return Err(trouble);
                }
                tracing::info!(key = self.key, at = self.fetched, why = %trouble.why(), "store.read.resumed");
            }
        }
        Ok(())
    }

    /// Asks for all that has not come.
    async fn get(&self) -> Result<GetObjectOutput, Trouble> {
        self.wire.requests.gets.count();
        let request = self.wire.client.get_object().bucket(&self.wire.bucket);
        let request = request.key(self.wire.key(&self.key)).range(format!(
            "bytes={}-{}",
            self.fetched,
            self.left.end.saturating_sub(1)
        ));
        request.send().await.map_err(|error| Trouble::of(&error))
    }

    async fn pass_on(&mut self, answer: GetObjectOutput) -> Result<(), Trouble> {
        let size = self.size(&answer)?;
        let mut body = answer.body;
        while !self.left.is_empty() {
            let come = tokio::time::timeout(self.wire.times.progress, body.next()).await;
            let octets = match come {
                Ok(Some(Ok(octets))) => octets,
                Ok(Some(Err(error))) => return Err(Trouble::Cut(error.to_string())),
                Ok(None) => return Err(Trouble::Cut("it ended early".into())),
                Err(_) => return Err(Trouble::Slow),
            };
            self.fetched += octets.len() as u64;
            if self.fetched > self.left.end {
                return Err(Trouble::answer("more octets than asked for"));
            }
            self.part.extend_from_slice(&octets);
            self.give(size).await?;
        }
        Ok(())
    }

    /// Gives whole pieces to the reader.
    async fn give(&mut self, size: u64) -> Result<(), Trouble> {
        while !self.left.is_empty() {
            let piece = piece_of(&self.left);
            let length = usize::try_from(piece.end - piece.start).unwrap_or(usize::MAX);
            if self.part.len() < length {
                return Ok(());
            }
            let octets = self.part.split_to(length).freeze();
            self.left.start = piece.end;
            if self.to.send(Ok(Piece { octets, size })).await.is_err() {
                return Err(Trouble::Fault("nobody reads any more".into()));
            }
        }
        Ok(())
    }

    /// Octets of the whole object; whether the answer is the range that was asked for.
    fn size(&self, answer: &GetObjectOutput) -> Result<u64, Trouble> {
        let (range, size) = match answer.content_range.as_deref().map(parse_content_range) {
            Some(range) => range.ok_or(Trouble::answer("an unreadable Content-Range"))?,
            None => {
                let size = answer
                    .content_length
                    .and_then(|length| u64::try_from(length).ok());
                let size = size.ok_or(Trouble::answer("no length"))?;
                (0..size, size)
            }
        };
        if range.start == self.fetched && range.end < self.left.end && range.end == size {
            Err(Trouble::Short)
        } else if range == (self.fetched..self.left.end) {
            Ok(size)
        } else {
            Err(Trouble::answer("another range than asked for"))
        }
    }
}

/// `bytes FIRST-LAST/SIZE`.
fn parse_content_range(text: &str) -> Option<(Range<u64>, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let end = last.parse::<u64>().ok()?.checked_add(1)?;
    Some((first.parse().ok()?..end, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(parse_content_range("bytes 2-5/10"), Some((2..6, 10)));
        for wrong in [
            "",
            "bytes 2-5",
            "bytes 5/10",
            "octets 2-5/10",
            "bytes 2-5/*",
            "bytes 0-18446744073709551615/9",
        ] {
            assert_eq!(parse_content_range(wrong), None, "{wrong}");
        }
    }
}
