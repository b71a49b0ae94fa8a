//! `hbd token`: makes, lists and removes the tokens of the running monitor's API.

use annunciator_monitor::timestamp::format_timestamp;
use annunciator_web::{MadeToken, RemovedToken, TokenBody, TokenList, page::part};
use heartbeat::api::Client;
use serde_json::json;

use super::control::with_answer;
use crate::{
    Exit,
    arguments::{Arguments, Token, TokenAction},
    output::{Output, one_line},
};

pub(crate) fn run(arguments: &Arguments, token: &Token, output: &Output) -> Exit {
    match &token.action {
        TokenAction::Add(add) => {
            let body = json!(TokenBody {
                name: add.name.clone(),
                scope: add.scope.clone(),
            });
            let call = |client: &Client| client.post("/tokens", Some(&body));
            with_answer(arguments, &add.reach, call, output, |made: MadeToken, _| {
                output.line(&made.token);
                output.note("it is not shown again: keep it where only who needs it can read it");
                Exit::Ok
            })
        }
        TokenAction::List(list) => {
            let call = |client: &Client| client.get("/tokens");
            with_answer(
                arguments,
                &list.reach,
                call,
                output,
                |all: TokenList, as_json| {
                    if list.json {
                        output.json(&as_json);
                    } else {
                        print(&all, output);
                    }
                    Exit::Ok
                },
            )
        }
        TokenAction::Remove(remove) => {
            let path = format!("/tokens/{}", part(&remove.name));
            let call = |client: &Client| client.delete(&path);
            with_answer(
                arguments,
                &remove.reach,
                call,
                output,
                |answer: RemovedToken, _| {
                    if answer.removed {
                        output.line(&format!("{} is removed", one_line(&remove.name)));
                        return Exit::Ok;
                    }
                    output.error(format!("there is no token `{}`", one_line(&remove.name)));
                    Exit::Wrong
                },
            )
        }
    }
}

fn print(all: &TokenList, output: &Output) {
    if all.tokens.is_empty() {
        output.line("there is no token yet: `hbd token add NAME --scope read` makes one");
        return;
    }
    let rows = all.tokens.iter().map(|token| {
        let used = token
            .last_used_ms
            .map(|ms| format_timestamp(ms).to_string());
        [
            one_line(&token.name),
            token.scope.to_string(),
            format_timestamp(token.created_ms).to_string(),
            used.unwrap_or_else(|| "never".to_owned()),
        ]
    });
    let rows: Vec<[String; 4]> = rows.collect();
    output.table(["NAME", "SCOPE", "MADE", "LAST USED"], &rows);
}
