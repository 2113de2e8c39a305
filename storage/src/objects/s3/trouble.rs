//! What can be wrong with a bucket, what to do about it, and what a machine is told.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use lightmail_core::store::{Budget, Failure, Refusal};

use crate::trust;

/// When a peer may try again, in seconds.
const LATER: Failure = Failure::Unavailable { retry_after_s: 30 };

/// Why a request to the bucket has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// There is no connection.
    Unreachable(String),
    /// The service's certificate is not trusted, or it speaks no TLS.
    Distrust(String),
    /// No answer in time.
    Slow,
    /// The service says that it cannot now.
    Busy(String),
    /// The service refuses our keys, or what they may do.
    Keys(String),
    /// The clocks are too far apart.
    Clock(String),
    /// The bucket is in another region.
    Region(String),
    /// There is no such bucket.
    NoBucket,
    /// There is no such object.
    NoObject,
    /// The object is shorter than the range that is wanted.
    Short,
    /// There is no room.
    Full(String),
    /// An answer's octets ended before their end.
    Cut(String),
    /// An answer that makes no sense.
    Answer(String),
    /// The service refuses the request.
    Refused(String),
    /// Something is wrong in this process.
    Fault(String),
}

impl Trouble {
    pub(super) fn answer(why: &str) -> Self {
        Trouble::Answer(why.to_owned())
    }

    pub(super) fn of<E: ProvideErrorMetadata + std::error::Error + 'static>(
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        let told = || DisplayErrorContext(error).to_string();
        match error {
            SdkError::TimeoutError(_) => Trouble::Slow,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Trouble::Slow,
            SdkError::DispatchFailure(_) if trust::is_of_tls(error) => Trouble::Distrust(told()),
            SdkError::DispatchFailure(_) => Trouble::Unreachable(told()),
            SdkError::ResponseError(_) => Trouble::Answer(told()),
            SdkError::ServiceError(refused) => {
                let (error, status) = (refused.err(), refused.raw().status().as_u16());
                Self::of_code(error.code().unwrap_or_default(), error.message(), Some(status))
            }
            _ => Trouble::Fault(told()),
        }
    }

    /// By the code of an answer, else by its HTTP status.
    pub(super) fn of_code(code: &str, message: Option<&str>, status: Option<u16>) -> Self {
        let status_text = status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
        let told = format!("{code}{status_text}: {}", message.unwrap_or("no message"));
        match code {
            "RequestTimeTooSkewed" | "RequestExpired" => Trouble::Clock(told),
            "NoSuchBucket" => Trouble::NoBucket,
            "NoSuchKey" | "NoSuchUpload" | "NotFound" => Trouble::NoObject,
            "InvalidRange" => Trouble::Short,
            "AccessDenied"
            | "ExpiredToken"
            | "InvalidAccessKeyId"
            | "InvalidToken"
            | "SignatureDoesNotMatch" => Trouble::Keys(told),
            "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException"
            | "PermanentRedirect"
            | "TemporaryRedirect" => Trouble::Region(told),
            "InsufficientStorage" | "QuotaExceeded" | "XMinioStorageFull" => Trouble::Full(told),
            "BadDigest" | "InternalError" | "RequestTimeout" | "ServiceUnavailable" | "SlowDown" => {
                Trouble::Busy(told)
            }
            _ => match status {
                Some(301 | 307) => Trouble::Region(told),
                Some(401 | 403) => Trouble::Keys(told),
                Some(404) => Trouble::NoObject,
                Some(416) => Trouble::Short,
                Some(507) => Trouble::Full(told),
                Some(429 | 500..=599) => Trouble::Busy(told),
                _ => Trouble::Refused(told),
            },
        }
    }

    /// Whether the same request may have another answer at once.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Trouble::Cut(_) | Trouble::Slow | Trouble::Busy(_))
    }

    /// What is wrong, for people.
    pub(super) fn why(&self) -> String {
        match self {
            Trouble::Unreachable(why) => format!("it cannot be reached: {why}"),
            Trouble::Distrust(why) => format!("TLS fails: {why}"),
            Trouble::Slow => "no answer in time".into(),
            Trouble::Busy(why) => format!("the service cannot now: {why}"),
            Trouble::Keys(why) => format!("the service refuses the keys: {why}"),
            Trouble::Clock(why) => format!("the clocks differ: {why}"),
            Trouble::Region(why) => format!("it is in another region: {why}"),
            Trouble::NoBucket => "there is no such bucket".into(),
            Trouble::NoObject => "there is no such object".into(),
            Trouble::Short => "the object is shorter than the database says".into(),
            Trouble::Full(why) => format!("there is no room: {why}"),
            Trouble::Cut(why) => format!("an answer was cut off: {why}"),
            Trouble::Answer(why) => format!("an answer makes no sense: {why}"),
            Trouble::Refused(why) => format!("the service refuses: {why}"),
            Trouble::Fault(why) => format!("a fault of this process: {why}"),
        }
    }

    /// What an operator does about it.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Trouble::Unreachable(_) => {
                "see that [s3] endpoint is right, that the service runs, and that this machine gets there"
            }
            Trouble::Distrust(_) => {
                "see that [s3] endpoint begins with https:// only if the service speaks TLS, that its name is in the service's certificate, and that ca_file, or this system, has the authority that signed it"
            }
            Trouble::Slow | Trouble::Busy(_) | Trouble::Cut(_) => {
                "see whether the service or the way there is overloaded; it is tried again without a restart"
            }
            Trouble::Keys(_) => {
                "see that [s3] access_key and secret_key are right and may list the bucket, and read, write and delete its objects"
            }
            Trouble::Clock(_) => "set this machine's clock, or that of the service",
            Trouble::Region(_) => {
                "set [s3] region to the bucket's region, and endpoint to one that serves it"
            }
            Trouble::NoBucket => "make the bucket, or set [s3] bucket to one that exists",
            Trouble::NoObject | Trouble::Short => {
                "restore the object from a backup of the bucket; see whether anything else deletes in it"
            }
            Trouble::Full(_) => "make room, or raise the bucket's quota",
            Trouble::Answer(_) | Trouble::Refused(_) => {
                "see that [s3] endpoint is an S3 service, and whether path_style must be another"
            }
            Trouble::Fault(_) => "report this as a bug",
        }
    }

    /// One line of the log, that says what to do.
    pub(super) fn log(&self, what: &'static str, bucket: &str) {
        tracing::error!(
            what,
            bucket,
            why = self.why(),
            remedy = self.remedy(),
            "store.bucket.failed"
        );
    }

    /// What a machine is told: mostly that it may work later, since whoever mends it does not touch the mail.
    pub(super) fn failure(&self) -> Failure {
        match self {
            Trouble::Full(_) => Refusal::Limit(Budget::Space).into(),
            Trouble::NoObject | Trouble::Short | Trouble::Fault(_) => Failure::broken(self.why()),
            _ => LATER,
        }
    }
}
