//! What is each thing on an invoice called, in each language? Mentions that a law wants are in `mentions`.

use releve_billing::Kind;
use releve_types::Language;

/// Every word that stands on a page by itself. A language that lacks one does not compile.
pub(crate) struct Words {
    pub invoice: &'static str,
    pub deposit: &'static str,
    pub correction: &'static str,
    pub credit_note: &'static str,
    pub billed_to: &'static str,
    pub sold_by: &'static str,
    pub issued_on: &'static str,
    pub period: &'static str,
    pub to: &'static str,
    pub due_by: &'static str,
    pub amount_due: &'static str,
    pub given_back: &'static str,
    pub corrects: &'static str,
    pub of_day: &'static str,
    pub your_reference: &'static str,
    pub purchase_order: &'static str,
    pub vat_id: &'static str,
    pub company_number: &'static str,
    pub on: &'static str,
    pub total_without_vat: &'static str,
    pub total_vat: &'static str,
    pub vat_in: &'static str,
    pub to_pay: &'static str,
    pub total_with_vat: &'static str,
    pub paid_in_advance: &'static str,
    pub back_to_credits: &'static str,
    /// Of an advance that is none any more.
    pub held_for_payer: &'static str,
    pub paid_on: &'static str,
    pub payment: &'static str,
    pub pay_by_transfer: &'static str,
    pub dates_of: &'static str,
    pub reference: &'static str,
    pub by_project: &'static str,
    pub by_product: &'static str,
    pub others: &'static str,
    pub usage: &'static str,
    pub advance: &'static str,
    pub no_project: &'static str,
    /// What no tenant in particular owes, but the account by its contract.
    pub by_contract: &'static str,
    pub project: &'static str,
    pub what: &'static str,
    pub metered: &'static str,
    pub billed: &'static str,
    pub price: &'static str,
    pub per: &'static str,
    pub in_all: &'static str,
    pub page: &'static str,
    pub how_counted: &'static str,
    pub counted: &'static str,
    pub energy: &'static str,
    pub no_energy: &'static str,
    pub coverage: &'static str,
    pub gaps_accepted: &'static str,
    pub no_coverage: &'static str,
    pub verify: &'static str,
    pub attached: &'static str,
    pub digest: &'static str,
    pub what_changed: &'static str,
    /// Of a deposit invoice, or of what takes it back.
    pub rests_on_payment: &'static str,
    pub to_be_used: &'static str,
}

const ENGLISH: Words = Words {
    invoice: "Invoice",
    deposit: "Deposit invoice",
    correction: "Correction invoice",
    credit_note: "Credit note",
    billed_to: "Billed to",
    sold_by: "From",
    issued_on: "Issued on",
    period: "For",
    to: "to",
    due_by: "Due by",
    amount_due: "Amount due",
    given_back: "Given back",
    corrects: "Corrects",
    of_day: "of",
    your_reference: "Your reference",
    purchase_order: "Your purchase order",
    vat_id: "VAT id",
    company_number: "Company number",
    on: "on",
    total_without_vat: "Total, without VAT",
    total_vat: "VAT in all",
    vat_in: "VAT in {}",
    to_pay: "To pay",
    total_with_vat: "Total, with VAT",
    paid_in_advance: "Paid in advance",
    back_to_credits: "Given back to your credits",
    held_for_payer: "Held at your disposal",
    paid_on: "Paid on",
    payment: "How to pay",
    pay_by_transfer: "Pay by transfer to IBAN {}, and name the invoice's number.",
    dates_of: "Dates are of {}.",
    reference: "Reference",
    by_project: "By project, without VAT",
    by_product: "By product, without VAT",
    others: "others",
    usage: "Usage",
    advance: "Payment in advance",
    no_project: "No project",
    by_contract: "By contract",
    project: "Project",
    what: "What",
    metered: "Metered",
    billed: "Billed",
    price: "Price",
    per: "per",
    in_all: "in all",
    page: "Page",
    how_counted: "How this was counted",
    counted: "GPU time is held time, metered to the millisecond, whether or not the device was busy. Each amount is billed \
              quantity × price ÷ the quantity that the price is for, rounded once; the total is the sum of these amounts. \
              Times are h:min:s, a GPU-hour is 3\u{202f}600 seconds.",
    energy: "The devices used {} kWh while they were held.",
    no_energy: "How much energy the devices used is not known.",
    coverage: "The nodes that were held reported all their time in service.",
    gaps_accepted: "Nodes that were held did not report all their time in service. As they were held just before or after, {} of GPU \
                    time is missing: that was looked at, and is not billed.",
    no_coverage: "This document does not say how much of their time in service the nodes reported: gaps that concern a \
                  customer hold its invoice back until they are closed or accepted.",
    verify: "How to verify",
    attached: "This file carries the same invoice for programs: factur-x.xml, UN/CEFACT CII of EN 16931.",
    digest: "It rests on usage, prices and a contract whose SHA-256 is",
    what_changed: "Only what changed is listed: as it was billed, taken back, and as it should have been billed.",
    rests_on_payment: "It rests on a payment whose record's SHA-256 is",
    to_be_used: "Invoices for what is used draw on what was paid, and name this document. VAT became due when it was paid.",
};

const FRENCH: Words = Words {
    invoice: "Facture",
    deposit: "Facture d'acompte",
    correction: "Facture rectificative",
    credit_note: "Avoir",
    billed_to: "Facturé à",
    sold_by: "Vendeur",
    issued_on: "Date d'émission",
    period: "Période",
    to: "au",
    due_by: "Échéance",
    amount_due: "Montant à payer",
    given_back: "Montant rendu",
    corrects: "Rectifie",
    of_day: "du",
    your_reference: "Votre référence",
    purchase_order: "Votre bon de commande",
    vat_id: "N° de TVA",
    company_number: "N° d'immatriculation",
    on: "sur",
    total_without_vat: "Total hors TVA",
    total_vat: "Total de la TVA",
    vat_in: "TVA en {}",
    to_pay: "À payer",
    total_with_vat: "Total TVA comprise",
    paid_in_advance: "Payé d'avance",
    back_to_credits: "Rendu à vos crédits",
    held_for_payer: "Tenu à votre disposition",
    paid_on: "Payé le",
    payment: "Règlement",
    pay_by_transfer: "Règlement par virement sur le compte IBAN {}, en rappelant le numéro de la facture.",
    dates_of: "Les dates sont de {}.",
    reference: "Référence",
    by_project: "Par projet, hors TVA",
    by_product: "Par produit, hors TVA",
    others: "autres",
    usage: "Consommation",
    advance: "Paiement d'avance",
    no_project: "Sans projet",
    by_contract: "Par contrat",
    project: "Projet",
    what: "Désignation",
    metered: "Mesuré",
    billed: "Facturé",
    price: "Prix",
    per: "par",
    in_all: "au total",
    page: "Page",
    how_counted: "Méthode de comptage",
    counted: "Le temps GPU est le temps de détention, mesuré à la milliseconde, que la carte ait travaillé ou non. Chaque \
              montant est la quantité facturée × le prix ÷ la quantité à laquelle le prix se rapporte, arrondi une fois ; \
              le total est la somme de ces montants. Les durées sont en h:min:s, une heure GPU vaut 3\u{202f}600 secondes.",
    energy: "Les cartes ont consommé {} kWh pendant leur détention.",
    no_energy: "L'énergie consommée par les cartes n'est pas connue.",
    coverage: "Les nœuds détenus ont relevé tout leur temps de service.",
    gaps_accepted: "Des nœuds détenus n'ont pas relevé tout leur temps de service. D'après leur détention juste avant ou après, il \
                    manque {} de temps GPU : c'est examiné, et non facturé.",
    no_coverage: "Ce document n'indique pas quelle part de leur temps de service les nœuds ont relevée : une lacune qui \
                  concerne un client retient sa facture jusqu'à ce qu'elle soit comblée ou acceptée.",
    verify: "Vérification",
    attached: "Ce fichier contient la même facture pour les logiciels : factur-x.xml, CII de l'UN/CEFACT selon EN 16931.",
    digest: "Elle repose sur une consommation, des prix et un contrat dont l'empreinte SHA-256 est",
    rests_on_payment: "Elle repose sur un paiement dont l'enregistrement a pour empreinte SHA-256",
    to_be_used: "Les factures de consommation s'imputent sur ce paiement et citent ce document. La TVA est exigible à l'encaissement.",
    what_changed: "Seul ce qui a changé est listé : tel que facturé, repris, puis tel qu'il aurait dû être facturé.",
};

impl Words {
    pub(crate) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::French => &FRENCH,
        }
    }

    pub(crate) const fn title(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Invoice => self.invoice,
            Kind::Deposit => self.deposit,
            Kind::Correction => self.correction,
            Kind::CreditNote => self.credit_note,
        }
    }
}

/// A number as digits and a point, with the language's sign for decimals.
pub(crate) fn decimal(language: Language, number: String) -> String {
    match language {
        Language::English => number,
        Language::French => number.replace('.', ","),
    }
}

/// A day that is written `YYYY-MM-DD`, with or without a time after it.
pub(crate) fn day(language: Language, iso: &str) -> String {
    let parts = (iso.get(..4), iso.get(5..7), iso.get(8..10), iso.get(10..));
    match (language, parts) {
        (Language::French, (Some(year), Some(month), Some(day), Some(rest))) => format!("{day}/{month}/{year}{rest}"),
        _ => iso.to_owned(),
    }
}
