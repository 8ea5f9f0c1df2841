"""The words of the hosted page, in the languages that debtors read."""

from collections.abc import Mapping

EN = {
    "title": "Checkout sandbox",
    "sandbox": "This is a sandbox that stands in for Stripe. No money moves.",
    "never": "Never type a real card number here.",
    "pay": "Pay %s",
    "save": "Save a payment method",
    "saved_too": "Your payment method will be saved for later payments.",
    "cards": "Test cards",
    "banks": "Test bank accounts",
    "card": "%s ending in %s",
    "bank": "Bank account ending in %s",
    "number": "Card number",
    "use": "Use this number",
    "back": "Back, without paying",
    "authenticate": "Your bank asks: is this you?",
    "yes": "Yes, it is me",
    "no": "No, refuse",
    "expired": "This page has expired. Nothing was paid on it.",
    "complete": "This page has already been completed.",
    "missing": "There is no such page.",
    "onward": "Continue",
    "pays": "goes through",
    "declines": "is declined",
    "no_funds": "has insufficient funds",
    "asks": "asks your bank first",
    "later": "fails when charged later",
    "disputes": "is disputed afterwards",
    "settles": "pays in a few days",
    "returns": "comes back unpaid",
    "error": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again.",
    "test_mode_live_card": "That is not a test card. It was neither charged nor kept.",
    "payment_intent_authentication_failure": "Your bank did not confirm that it is you.",
    "setup_intent_authentication_failure": "Your bank did not confirm that it is you.",
}
ES = {
    "title": "Pago de prueba",
    "sandbox": "Esta es una página de prueba que reemplaza a Stripe. No se mueve dinero.",
    "never": "Nunca escriba aquí un número de tarjeta real.",
    "pay": "Pagar %s",
    "save": "Guardar un método de pago",
    "saved_too": "Su método de pago se guardará para pagos posteriores.",
    "cards": "Tarjetas de prueba",
    "banks": "Cuentas bancarias de prueba",
    "card": "%s terminada en %s",
    "bank": "Cuenta bancaria terminada en %s",
    "number": "Número de tarjeta",
    "use": "Usar este número",
    "back": "Volver sin pagar",
    "authenticate": "Su banco pregunta: ¿es usted?",
    "yes": "Sí, soy yo",
    "no": "No, rechazar",
    "expired": "Esta página venció. No se pagó nada en ella.",
    "complete": "Esta página ya se completó.",
    "missing": "No existe esta página.",
    "onward": "Continuar",
    "pays": "se acepta",
    "declines": "se rechaza",
    "no_funds": "no tiene fondos suficientes",
    "asks": "pregunta antes a su banco",
    "later": "falla en cobros posteriores",
    "disputes": "se disputa después",
    "settles": "paga en unos días",
    "returns": "se devuelve sin pagar",
    "error": "Su tarjeta fue rechazada.",
    "insufficient_funds": "Su tarjeta no tiene fondos suficientes.",
    "expired_card": "Su tarjeta está vencida.",
    "incorrect_cvc": "El código de seguridad de su tarjeta es incorrecto.",
    "incorrect_number": "El número de su tarjeta es incorrecto.",
    "processing_error": "Hubo un error al procesar su tarjeta. Inténtelo de nuevo.",
    "test_mode_live_card": "No es una tarjeta de prueba. No se cobró ni se guardó.",
    "payment_intent_authentication_failure": "Su banco no confirmó que es usted.",
    "setup_intent_authentication_failure": "Su banco no confirmó que es usted.",
}
FR = {
    "title": "Paiement d’essai",
    "sandbox": "Cette page d’essai remplace Stripe. Aucune somme n’est prélevée.",
    "never": "N’entrez jamais ici un vrai numéro de carte.",
    "pay": "Payer %s",
    "save": "Enregistrer un mode de paiement",
    "saved_too": "Votre mode de paiement sera conservé pour les prochains paiements.",
    "cards": "Cartes d’essai",
    "banks": "Comptes bancaires d’essai",
    "card": "%s se terminant par %s",
    "bank": "Compte bancaire se terminant par %s",
    "number": "Numéro de carte",
    "use": "Utiliser ce numéro",
    "back": "Revenir sans payer",
    "authenticate": "Votre banque demande : est-ce bien vous ?",
    "yes": "Oui, c’est moi",
    "no": "Non, refuser",
    "expired": "Cette page a expiré. Rien n’y a été payé.",
    "complete": "Cette page est déjà terminée.",
    "missing": "Cette page n’existe pas.",
    "onward": "Continuer",
    "pays": "est acceptée",
    "declines": "est refusée",
    "no_funds": "manque de fonds",
    "asks": "interroge d’abord votre banque",
    "later": "échoue aux prélèvements suivants",
    "disputes": "est contestée ensuite",
    "settles": "paie en quelques jours",
    "returns": "revient impayé",
    "error": "Votre carte a été refusée.",
    "insufficient_funds": "Votre carte n’est pas suffisamment approvisionnée.",
    "expired_card": "Votre carte a expiré.",
    "incorrect_cvc": "Le code de sécurité de votre carte est incorrect.",
    "incorrect_number": "Le numéro de votre carte est incorrect.",
    "processing_error": "Une erreur est survenue. Réessayez.",
    "test_mode_live_card": "Ce n’est pas une carte d’essai. Elle n’a été ni débitée ni conservée.",
    "payment_intent_authentication_failure": "Votre banque n’a pas confirmé que c’est vous.",
    "setup_intent_authentication_failure": "Votre banque n’a pas confirmé que c’est vous.",
}
LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": EN, "es": ES, "fr": FR}


def language(locale: str | None, accepted: str) -> str:
    """The page's language: the session's, else the first of the browser's that we have."""
    wanted = [locale or "auto"] if locale not in (None, "auto") else accepted.split(",")
    codes = (one.strip()[:2].lower() for one in wanted)
    return next((code for code in codes if code in LANGUAGES), "en")


def money(cents: int, currency: str, code: str) -> str:
    """An amount with its currency, as the language writes it."""
    whole, part = f"{cents // 100:,}", f"{cents % 100:02}"
    if code == "fr":
        narrow = whole.replace(",", "\N{NO-BREAK SPACE}")
        return f"{narrow},{part}\N{NO-BREAK SPACE}{currency.upper()}"
    return f"{currency.upper()} {whole}.{part}"
