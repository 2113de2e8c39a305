//! A part of a file as the body of a request: read piece by piece while it is sent, and from the start again if it is sent
//! again.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::objects::reader::{PIECE, read_at};

/// The body of a request from a range of a file.
pub(super) fn from_file(file: &Arc<File>, range: Range<u64>) -> ByteStream {
    let file = Arc::clone(file);
    ByteStream::new(SdkBody::retryable(move || {
        SdkBody::from_body_1_x(FileBody {
            file: Arc::clone(&file),
            left: range.clone(),
            reading: None,
        })
    }))
}

struct FileBody {
    file: Arc<File>,
    left: Range<u64>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    fn read(&self) -> JoinHandle<io::Result<Bytes>> {
        let file = Arc::clone(&self.file);
        let here = self.left.start..self.left.end.min(self.left.start + PIECE);
        spawn_blocking(move || read_at(&file, here))
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let mut reading = self.reading.take().unwrap_or_else(|| self.read());
        let Poll::Ready(read) = Pin::new(&mut reading).poll(cx) else {
            self.reading = Some(reading);
            return Poll::Pending;
        };
        let read = read.map_err(io::Error::other).and_then(|octets| octets);
        if let Ok(octets) = &read {
            self.left.start += octets.len() as u64;
        }
        Poll::Ready(Some(read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.end - self.left.start)
    }
}
