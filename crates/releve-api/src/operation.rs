//! What is an operation called? By its method and its path, so that each has a name of its own and the clients made from
//! the document can call it by that.
//!
//! `GET /v1/accounts/{account}/credits` is `list_account_credits`, `POST` to it `create_account_credit`, and
//! `POST /v1/accounts/{account}/credits/{credit}/withdraw` `withdraw_account_credit`. A handler's own name is short, as its
//! file says of what, and says too little in a document.

/// `paged`: it answers with a page of a list.
pub(crate) fn name(method: &str, path: &str, paged: bool) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != "v1").collect();
    let is_parameter = |part: &str| part.starts_with('{');
    let followed = |at: usize| parts.get(at + 1).is_some_and(|next| is_parameter(next));
    let named = parts.iter().enumerate().filter(|(_, part)| !is_parameter(part));
    // `openapi.json` is the document, whatever it is written in.
    let plain = |part: &str| part.split('.').next().unwrap_or_default().to_owned();
    let mut words: Vec<String> =
        named.map(|(at, part)| if followed(at) { one_of(part) } else { plain(part) }).collect();
    let verb = match method {
        "get" if paged => "list".to_owned(),
        "get" => "get".to_owned(),
        "patch" => "update".to_owned(),
        "post" => {
            let last = words.pop().unwrap_or_default();
            if last.ends_with('s') {
                words.push(one_of(&last));
                "create".to_owned()
            } else {
                last
            }
        }
        other => other.to_owned(),
    };
    words.insert(0, verb);
    words.join("_").replace('-', "_")
}

/// `credits` is `credit`, `deliveries` is `delivery`, `statuses` is `status`.
fn one_of(many: &str) -> String {
    if let Some(stem) = many.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let stem = many.strip_suffix("ses").map(|stem| format!("{stem}s"));
    stem.unwrap_or_else(|| many.strip_suffix('s').unwrap_or(many).to_owned())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn an_operation_is_called_by_what_it_does_to_what() {
        for (method, path, paged, expected) in [
            ("get", "/healthz", false, "get_healthz"),
            ("get", "/v1/openapi.json", false, "get_openapi"),
            ("get", "/v1/invoices", true, "list_invoices"),
            ("get", "/v1/invoices/{invoice}/electronic/{syntax}", false, "get_invoice_electronic"),
            ("post", "/v1/portal-links", false, "create_portal_link"),
            ("post", "/v1/invoices/{invoice}/statuses", false, "create_invoice_status"),
            ("post", "/v1/payments/import", false, "import_payments"),
            ("patch", "/v1/tenants/{tenant}/budgets/{budget}", false, "update_tenant_budget"),
            ("delete", "/v1/session", false, "delete_session"),
            ("put", "/v1/issuers/{issuer}/brand", false, "put_issuer_brand"),
            (
                "post",
                "/v1/webhook-endpoints/{endpoint}/deliveries/{event}/resend",
                false,
                "resend_webhook_endpoint_delivery",
            ),
        ] {
            assert_eq!(name(method, path, paged), expected);
        }
    }
}
