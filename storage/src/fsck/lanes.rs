//! A few things at a time, on one task: whichever is done makes room for the next.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// Futures under way, a bounded number of them.
pub(super) struct Lanes<'a, T> {
    most: usize,
    under_way: Vec<Pin<Box<dyn Future<Output = T> + Send + 'a>>>,
}

impl<'a, T> Lanes<'a, T> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            under_way: Vec::with_capacity(most),
        }
    }

    /// Whether one has to be waited for before the next begins.
    pub(super) fn is_full(&self) -> bool {
        self.under_way.len() >= self.most
    }

    pub(super) fn begin(&mut self, future: impl Future<Output = T> + Send + 'a) {
        self.under_way.push(Box::pin(future));
    }

    /// What is done first; `None`: nothing is under way.
    pub(super) async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| {
            if self.under_way.is_empty() {
                return Poll::Ready(None);
            }
            let mut done = None;
            for (at, future) in self.under_way.iter_mut().enumerate() {
                if let Poll::Ready(value) = future.as_mut().poll(cx) {
                    done = Some((at, value));
                    break;
                }
            }
            match done {
                Some((at, value)) => {
                    drop(self.under_way.swap_remove(at));
                    Poll::Ready(Some(value))
                }
                None => Poll::Pending,
            }
        })
        .await
    }
}
