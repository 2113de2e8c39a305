//! What stands on a line of a transcript, each by itself; `None` for what is none.

use lightmail_core::sasl::scram::Hash;

use super::{FaultRule, How, Proof, StepKind};

/// Without its comment: ` #` or a `#` at the start; `\#` is kept as `#`.
pub(super) fn strip_comment(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut before = ' ';
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.peek() == Some(&'#') => kept.extend(rest.next()),
            '#' if before == ' ' && (kept.is_empty() || kept.ends_with("  ")) => break,
            c => kept.push(c),
        }
        before = c;
    }
    if kept.len() < line.len() {
        kept.truncate(kept.trim_end().len())
    }
    kept
}

/// What happens to a connection without a word.
pub(super) fn wordless(text: &str, connection: u8) -> Option<StepKind> {
    match text {
        "S closes" => Some(StepKind::ServerCloses(connection)),
        "C closes" => Some(StepKind::ClientCloses(connection)),
        "C starts TLS" => Some(StepKind::ClientStartsTls(connection)),
        "C starts DEFLATE" => Some(StepKind::ClientStartsDeflate(connection)),
        "C stops DEFLATE" => Some(StepKind::ClientStopsDeflate(connection)),
        _ => proves(text.strip_prefix("C proves ")?),
    }
}

/// `SCRAM-SHA-256 n=user,r=abc,…`
fn proves(text: &str) -> Option<StepKind> {
    let (mechanism, messages) = text.split_once(' ')?;
    let hash = [Hash::Sha1, Hash::Sha256]
        .into_iter()
        .find(|hash| hash.scheme() == mechanism)?;
    Some(StepKind::Prove {
        hash,
        messages: messages.to_owned(),
    })
}

pub(super) fn proof(text: &str) -> Option<Proof> {
    let (cited, claim) = text.split_once(": ")?;
    let mut sections = Vec::new();
    for rfc in cited.split(';') {
        let (number, places) = rfc.trim().strip_prefix("RFC ")?.split_once(',')?;
        let number = number.trim().parse().ok()?;
        for place in places.replace(" and ", ",").split(',') {
            let place = place.trim();
            let fits = !place.is_empty() && place.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
            sections.push(fits.then(|| (number, place.to_owned()))?);
        }
    }
    Some(Proof {
        sections,
        claim: claim.trim().to_owned(),
    })
}

pub(super) fn duration_ms(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+')?;
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let scale = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

pub(super) fn fault(text: &str) -> Option<FaultRule> {
    let (effect, how) = text.split_once(": ")?;
    let how = match how.trim() {
        "fails before" => How::Before,
        "fails after" => How::After,
        "times out" => How::Timeout,
        _ => return None,
    };
    Some(FaultRule {
        effect: effect.to_owned(),
        how,
    })
}

/// `70000 x`; at most a mebioctet.
pub(super) fn repeated(many: &str) -> Option<Vec<u8>> {
    let (times, text) = many.split_once(' ')?;
    let times: usize = times.parse().ok()?;
    let fits = !text.is_empty() && times.checked_mul(text.len())? <= 1024 * 1024;
    fits.then(|| text.repeat(times).into_bytes())
}

pub(super) fn octets(hex: &str) -> Option<Vec<u8>> {
    hex.split_whitespace()
        .map(|pair| u8::from_str_radix(pair, 16).ok().filter(|_| pair.len() == 2))
        .collect()
}
