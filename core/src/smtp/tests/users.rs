//! Submission: what users may send, and as whom (RFC 6409).

use super::*;
