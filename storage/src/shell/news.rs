//! What has happened to one conversation and waits to be told.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use lightmail_core::machine::{Input, Outcome, Token};
use lightmail_core::store::Failure;

/// A queue with one reader. A clone is the same queue; empty, it holds no memory.
#[derive(Clone, Debug, Default)]
pub(super) struct News(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    inputs: VecDeque<Input>,
    reader: Option<Waker>,
}

impl News {
    /// Puts an input at the end.
    pub(super) fn put(&self, input: Input) {
        let mut state = self.state();
        state.inputs.push_back(input);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }

    /// The next input. Cancel-safe.
    pub(super) async fn next(&self) -> Input {
        poll_fn(|cx| {
            let mut state = self.state();
            let Some(input) = state.inputs.pop_front() else {
                state.reader = Some(cx.waker().clone());
                return Poll::Pending;
            };
            if state.inputs.is_empty() {
                state.inputs = VecDeque::new();
            }
            Poll::Ready(input)
        })
        .await
    }

    /// The duty to answer a token.
    pub(super) fn answer(&self, token: Token) -> Answer {
        Answer {
            token,
            news: self.clone(),
            outcome: None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers a token exactly once, also when the effect's task panics or is dropped.
#[derive(Debug)]
pub(super) struct Answer {
    token: Token,
    news: News,
    outcome: Option<Outcome>,
}

impl Answer {
    /// Answers.
    pub(super) fn give(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let outcome = self.outcome.take();
        let outcome = outcome.unwrap_or_else(|| Err(Failure::broken("the effect's task panicked")));
        // The conversation may have ended: then nobody reads it.
        self.news.put(Input::Outcome(self.token, outcome));
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use futures_lite::future::{block_on, poll_once};
    use lightmail_core::machine::Done;

    use super::*;

    #[test]
    fn one_answer_each_in_order_also_after_a_panic() {
        block_on(async {
            let news = News::default();
            assert_eq!(poll_once(news.next()).await, None);
            news.answer(Token(1)).give(Ok(Done::Confirmed));
            let answer = news.answer(Token(2));
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _answer = answer;
                panic!("on purpose")
            }));
            assert!(panicked.is_err());
            assert_eq!(news.next().await, Input::Outcome(Token(1), Ok(Done::Confirmed)));
            assert!(matches!(
                news.next().await,
                Input::Outcome(Token(2), Err(Failure::Broken(_)))
            ));
            assert_eq!(poll_once(news.next()).await, None);
        });
    }

    #[test]
    fn an_answer_from_another_thread_wakes_the_reader() {
        let news = News::default();
        let answer = news.answer(Token(7));
        let giver = std::thread::spawn(move || answer.give(Ok(Done::Sent)));
        assert_eq!(block_on(news.next()), Input::Outcome(Token(7), Ok(Done::Sent)));
        giver.join().unwrap();
    }
}
