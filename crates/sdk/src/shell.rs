//! The layer between the contract's functions and a plugin's [`Provider`].
//!
//! All code of a plugin is called from here and nowhere else, inside a guard; everything that
//! crosses is converted to std types and back here.

use std::sync::Arc;

use annunciator_core::{
    code::{Fault as FaultCode, ProblemLevel},
    ffi::{FfiFuture, FutureExt as _, RErr, ROk, RResult, RString, RVec, TD_Opaque},
    message::DeliveryV1,
    module::{ChannelTypeV1, OpenRequestV1, OpenResult},
    outcome::{CheckResultV1, DeliveryResultV1, OpenErrorV1, ProblemV1},
    provider::{ProviderBox, ProviderObject, ProviderObject_TO},
};

use crate::{
    delivery::Delivery,
    finding::{Check, OpenError},
    guard::{Guarded, Shielded, caught},
    host::Host,
    log,
    outcome::{Fault, Outcome, pack},
    proofs::Proofs,
    provider::Provider,
};

/// A channel type of a plugin, with its provider's type erased.
pub struct Entry {
    name: &'static str,
    describe: fn() -> Result<ChannelTypeV1, String>,
    validate: fn(&str) -> Vec<ProblemV1>,
    proofs: fn(&str) -> Proofs,
    open: fn(OpenRequestV1) -> FfiFuture<OpenResult>,
}

impl Entry {
    /// Creates the entry of a provider.
    #[must_use]
    pub const fn of<P: Provider>() -> Self {
        Self {
            name: P::TYPE,
            describe: describe::<P>,
            validate: validate::<P>,
            proofs: proofs::<P>,
            open: open::<P>,
        }
    }
}

/// Describes every channel type. Fails with the reason if one cannot be described.
pub fn channel_types(entries: &[Entry]) -> RResult<RVec<ChannelTypeV1>, RString> {
    let described = entries.iter().map(|entry| {
        caught(entry.describe)
            .and_then(|described| described)
            .map_err(|error| format!("describing the channel type {}: {error}", entry.name))
    });
    match described.collect::<Result<Vec<_>, _>>() {
        Ok(types) => ROk(types.into()),
        Err(error) => RErr(error.into()),
    }
}

/// Validates the settings of a channel type.
pub fn validate_with(entries: &[Entry], name: &str, settings: &str) -> RVec<ProblemV1> {
    let problems = match find(entries, name) {
        Some(entry) => caught(|| (entry.validate)(settings)).unwrap_or_else(|panic| {
            vec![problem(
                "",
                format!("the plugin panicked while it checked this: {panic}"),
            )]
        }),
        None => vec![problem(
            "",
            format!("this plugin has no channel type {name}"),
        )],
    };
    problems.into()
}

/// Returns what a channel with these settings can prove. If the settings are wrong, or the
/// provider panics over them, that is only acceptance.
pub fn proofs_with(entries: &[Entry], name: &str, settings: &str) -> RString {
    let entry = find(entries, name);
    let proofs = entry.and_then(|entry| caught(|| (entry.proofs)(settings)).ok());
    proofs.unwrap_or_default().0.to_json().into()
}

/// Opens a provider of a channel type.
pub fn open_with(entries: &[Entry], request: OpenRequestV1) -> FfiFuture<OpenResult> {
    match find(entries, &request.channel_type) {
        Some(entry) => (entry.open)(request),
        None => {
            let detail = format!("this plugin has no channel type {}", request.channel_type);
            std::future::ready(RErr(OpenError::new(Fault::Plugin, detail).0)).into_ffi()
        }
    }
}

fn find<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.name == name)
}

fn problem(path: &str, message: String) -> ProblemV1 {
    ProblemV1 {
        level: ProblemLevel::ERROR,
        path: path.into(),
        message: message.into(),
        help: RString::new(),
    }
}

fn describe<P: Provider>() -> Result<ChannelTypeV1, String> {
    let schema = schemars::schema_for!(P::Config);
    let schema_json = serde_json::to_string(&schema).map_err(|error| error.to_string())?;
    Ok(ChannelTypeV1 {
        name: P::TYPE.into(),
        summary: P::SUMMARY.into(),
        schema_json: schema_json.into(),
        example_yaml: P::EXAMPLE.into(),
    })
}

fn parse<P: Provider>(settings: &str) -> Result<P::Config, ProblemV1> {
    let mut deserializer = serde_json::Deserializer::from_str(settings);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { &path };
        problem(
            path,
            without_position(&error.inner().to_string()).to_owned(),
        )
    })
}

/// Removes the position at the end of serde_json's messages, which refers to a text that no
/// person wrote.
fn without_position(text: &str) -> &str {
    match text.rfind(" at line ") {
        Some(end) => &text[..end],
        None => text,
    }
}

fn validate<P: Provider>(settings: &str) -> Vec<ProblemV1> {
    match parse::<P>(settings) {
        Ok(config) => P::validate(&config)
            .into_iter()
            .map(|found| found.0)
            .collect(),
        Err(problem) => vec![problem],
    }
}

fn proofs<P: Provider>(settings: &str) -> Proofs {
    parse::<P>(settings).map_or_else(|_| Proofs::default(), |config| P::proofs(&config))
}

fn open<P: Provider>(request: OpenRequestV1) -> FfiFuture<OpenResult> {
    let host = Host::new(request.host);
    log::learn_level(&host);
    let settings = request.settings_json;
    let given = host.clone();
    let opening = async move {
        let config = parse::<P>(&settings).map_err(|problem| OpenErrorV1 {
            fault: FaultCode::CONFIG,
            detail: match problem.path.as_str() {
                "" => problem.message,
                path => format!("{path}: {}", problem.message).into(),
            },
            hint: RString::new(),
        })?;
        let provider = P::open(config, given.clone())
            .await
            .map_err(|error| error.0)?;
        Ok(erase(provider, given))
    };
    let opening = async move {
        match opening.await {
            Ok(provider) => ROk(provider),
            Err(error) => RErr(error),
        }
    };
    Guarded::new(host, opening, |panic| {
        let detail = format!("the plugin panicked while it opened the channel: {panic}");
        RErr(OpenError::new(Fault::Plugin, detail).hint(REPORT).0)
    })
    .into_ffi()
}

const REPORT: &str = "report this to the plugin's author";

fn erase<P: Provider>(provider: P, host: Host) -> ProviderBox {
    let running = Running(Shielded::new(host, Arc::new(provider)));
    ProviderObject_TO::from_value(running, TD_Opaque)
}

struct Running<P: Provider>(Shielded<Arc<P>>);

impl<P: Provider> Running<P> {
    fn provider(&self) -> Arc<P> {
        Arc::clone(&self.0)
    }

    fn host(&self) -> Host {
        self.0.host().clone()
    }
}

impl<P: Provider> ProviderObject for Running<P> {
    fn deliver(&self, delivery: DeliveryV1) -> FfiFuture<DeliveryResultV1> {
        let provider = self.provider();
        let delivery = Delivery::new(delivery);
        let time = delivery.timeout();
        let attempt = async move { pack(provider.deliver(&delivery).await) };
        Guarded::new(self.host(), attempt, |panic| {
            let detail = format!("the plugin panicked while it delivered: {panic}");
            // It is unknown how far the attempt had come.
            pack(vec![
                Outcome::unknown("", Fault::Plugin, detail).hint(REPORT),
            ])
        })
        .within(time)
        .into_ffi()
    }

    fn check(&self) -> FfiFuture<CheckResultV1> {
        let provider = self.provider();
        let check = async move { provider.check().await.0 };
        Guarded::new(self.host(), check, |panic| {
            let detail = format!("the plugin panicked while it checked: {panic}");
            Check::failed(Fault::Plugin, detail).hint(REPORT).0
        })
        .into_ffi()
    }

    fn close(&self) -> FfiFuture<()> {
        let provider = self.provider();
        let close = async move { provider.close().await };
        Guarded::new(self.host(), close, |panic| {
            tracing::error!("the plugin panicked while it closed: {panic}");
        })
        .into_ffi()
    }
}
