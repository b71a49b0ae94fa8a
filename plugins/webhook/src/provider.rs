//! An open webhook channel, which makes one request in an attempt.

use annunciator_sdk::{
    Check, Delivery, Fault, Host, HttpRequest, OpenError, Outcome, Problem, Provider, logins,
    redacted,
};
use url::Url;

use crate::{
    config::Config,
    message::{Parts, address, limited},
    outcome::of_answer,
    template::{examples, values},
    validation,
};

/// A webhook channel.
pub struct Webhook {
    config: Config,
    /// The name of the target in outcomes: the server's name.
    target: String,
    host: Host,
}

impl Provider for Webhook {
    const TYPE: &'static str = "webhook";
    const SUMMARY: &'static str = "Sends each message as an HTTP request that you define.";
    const EXAMPLE: &'static str = "type: webhook\nurl: https://example.com/hook\n\
                                   body: '{\"text\": {{ text }}}'\n";
    type Config = Config;

    fn validate(config: &Config) -> Vec<Problem> {
        validation::problems(config)
    }

    async fn open(config: Config, host: Host) -> Result<Self, OpenError> {
        let problems = validation::problems(&config);
        if let Some(problem) = problems.iter().find(|found| found.is_error()) {
            let detail = format!("{} {}", problem.path(), problem.message());
            return Err(OpenError::new(Fault::Config, detail));
        }
        let [example, _] = examples(&config);
        let url = address("url", config.url.expose(), &example);
        let url = url.map_err(|wrong| OpenError::new(Fault::Config, wrong.what))?;
        Ok(Self {
            target: url.host_str().unwrap_or("webhook").to_owned(),
            config,
            host,
        })
    }

    async fn deliver(&self, delivery: &Delivery) -> Vec<Outcome> {
        let target = self.target.as_str();
        if !delivery.wants(target) {
            return Vec::new();
        }
        let values = values(&self.config, delivery);
        let parts = match Parts::of(&self.config, &values) {
            Ok(parts) => parts,
            Err(wrongs) => {
                let what = wrongs.iter().map(|it| format!("{} {}", it.field, it.what));
                let what = what.collect::<Vec<_>>().join("; ");
                let detail = format!("no request can be made of the message: {what}");
                let help = wrongs.first().map_or("", |wrong| wrong.help);
                return vec![Outcome::permanent(target, Fault::Message, detail).hint(help)];
            }
        };
        let seconds = u64::try_from(self.host.now_ms() / 1000).unwrap_or_default();
        let request = parts.request(&self.config, seconds);
        let secrets = self.secrets(&parts);
        vec![match self.host.http(request).await {
            Ok(answer) => of_answer(target, &self.config, &answer, self.host.now(), &secrets),
            Err(error) => error.redacted_outcome(target, &secrets),
        }]
    }

    /// Requests `check_url`, which delivers nothing. Without it, a request with OPTIONS shows at
    /// least that a web server answers.
    async fn check(&self) -> Check {
        let [example, _] = examples(&self.config);
        let parts = match Parts::of(&self.config, &example) {
            Ok(parts) => parts,
            Err(wrongs) => {
                let what = wrongs.into_iter().next().map(|wrong| wrong.what);
                return Check::failed(Fault::Config, what.unwrap_or_default());
            }
        };
        let asked = self.config.check_url.as_ref();
        let url = asked.map(|url| address("check_url", url.expose(), &example));
        let checked = { url.iter() }.filter_map(|url| Some(of_address(url.as_ref().ok()?)));
        let checked: Vec<Vec<String>> = checked.collect();
        let request = match url {
            Some(Ok(url)) => HttpRequest::get(url.as_str()),
            Some(Err(wrong)) => return Check::failed(Fault::Config, wrong.what),
            None => HttpRequest::new("OPTIONS", parts.url.as_str()),
        };
        let headers = parts.headers.iter().cloned();
        let request = headers.fold(request, |request, (name, value)| {
            request.header(&name, value)
        });
        let mut secrets = self.secrets(&parts);
        secrets.extend(checked.into_iter().flatten());
        match (self.host.http(limited(request, &self.config)).await, asked) {
            (Err(error), _) => {
                let outcome = error.redacted_outcome(&self.target, &secrets);
                let fault = outcome.fault().unwrap_or(Fault::Network);
                Check::failed(fault, outcome.raw().detail.as_str())
                    .hint(outcome.raw().hint.as_str())
            }
            (Ok(answer), None) => Check::ok(format!(
                "{} answers (HTTP {}); only the first message will show whether it accepts messages",
                self.target,
                answer.status()
            )),
            (Ok(answer), Some(_)) if answer.is_success() => {
                Check::ok(format!("check_url answers HTTP {}", answer.status()))
            }
            (Ok(answer), Some(_)) => {
                let fault = match answer.status() {
                    500.. | 408 | 429 => Fault::Remote,
                    _ => Fault::Config,
                };
                let text = redacted(answer.text().lines().next().unwrap_or_default(), &secrets);
                let detail = format!("check_url answers HTTP {}: {text}", answer.status());
                Check::failed(fault, detail)
            }
        }
    }
}

impl Webhook {
    /// Returns all secrets, which no text may show. They include parts of the address, which may
    /// also contain a token.
    fn secrets(&self, parts: &Parts) -> Vec<String> {
        let config = &self.config;
        let secrets = config.secrets.values().chain(config.headers.values());
        let secrets = secrets.chain(config.sign.iter().map(|sign| &sign.key));
        let mut all: Vec<String> = secrets.map(|secret| secret.expose().clone()).collect();
        all.extend(parts.headers.iter().map(|(_, value)| value.clone()));
        all.extend(of_address(&parts.url));
        // The service may repeat `Bearer abc…` without its first word.
        let headers = parts.headers.iter();
        let words = headers.flat_map(|(_, value)| value.split_whitespace());
        all.extend(words.filter(|word| is_long(word)).map(str::to_owned));
        all
    }
}

/// The minimum length, in bytes, of a part of a path or a header that may be a token. The tokens of
/// services are longer, and it does no harm to remove words such as `webhooks` from texts.
const MIN_TOKEN_LENGTH: usize = 8;

fn is_long(word: &str) -> bool {
    word.len() >= MIN_TOKEN_LENGTH
}

/// Returns the parts of an address that no text may show.
fn of_address(url: &Url) -> Vec<String> {
    let mut all = pieces(url);
    let path = url.path();
    if path.len() > 1 {
        all.push(path.to_owned());
    }
    all.extend(url.query().map(str::to_owned));
    all.extend(logins(url.as_str()));
    all
}

/// Returns the pieces of an address that may be tokens, as written and decoded, because services
/// may repeat one of them alone.
fn pieces(url: &Url) -> Vec<String> {
    let written = url.path_segments().into_iter().flatten().map(str::to_owned);
    let meant = url.query_pairs().map(|(_, value)| value.into_owned());
    let query = url.query().unwrap_or_default().split('&');
    let query = query.filter_map(|pair| Some(pair.split_once('=')?.1.to_owned()));
    let user = url.username().to_owned();
    let all = written.chain(meant).chain(query).chain([user]);
    let password = url.password().map(str::to_owned);
    all.filter(|piece| is_long(piece)).chain(password).collect()
}
