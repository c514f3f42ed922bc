"""What each scheme means, for people who set a source up at its provider."""

from __future__ import annotations

from intake.models import Scheme

IN_SHORT: dict[str, str] = {
    Scheme.STANDARD: "Standard Webhooks: signs id, time and body",
    Scheme.GITHUB: "GitHub: signs the body",
    Scheme.STRIPE: "Stripe: signs time and body",
    Scheme.SLACK: "Slack: signs time and body",
    Scheme.SHOPIFY: "Shopify: signs the body",
    Scheme.TWILIO: "Twilio: signs the address and the fields",
    Scheme.HMAC: "Another one that signs with HMAC in a header",
    Scheme.HEADER: "Another one that sends a key in a header",
    Scheme.BEARER: "Another one that sends a bearer token",
    Scheme.BASIC: "Another one that sends user and password",
}
SET_UP: dict[str, str] = {
    Scheme.STANDARD: "Enter the address and the secret (whsec_…) where the provider asks for an endpoint.",
    Scheme.GITHUB: "In the repository: Settings, Webhooks, Add webhook. Content type application/json, then the secret.",
    Scheme.STRIPE: "In Stripe: Developers, Webhooks, Add an endpoint. Stripe then shows the signing secret, whsec_….",
    Scheme.SLACK: "Of the Slack app: Basic Information has the signing secret; Event Subscriptions takes the address.",
    Scheme.SHOPIFY: "In Shopify: Settings, Notifications, Webhooks. The page shows the key that webhooks are signed with.",
    Scheme.TWILIO: "In Twilio: enter the address for the number or service. The secret is the account's auth token.",
    Scheme.HMAC: "The provider's documentation says which header carries the signature, and what exactly is signed.",
    Scheme.HEADER: "Have the provider send the secret in the header you name here. Nothing is signed: use HTTPS alone.",
    Scheme.BEARER: "Have the provider send “Authorization: Bearer” with the secret. Nothing is signed: use HTTPS alone.",
    Scheme.BASIC: "The secret is user:password, as the provider sends them. Nothing is signed: use HTTPS alone.",
}
PROVIDER_MAKES_SECRET = frozenset({Scheme.STRIPE, Scheme.SLACK, Scheme.SHOPIFY, Scheme.TWILIO})
"""Here a secret that we make opens nothing: the provider's own has to be entered."""
