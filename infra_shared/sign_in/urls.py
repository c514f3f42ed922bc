"""The addresses of the sign-in pages, under the names allauth looks for; what is not here does not exist."""

from __future__ import annotations

from django.urls import path

from infra_shared.sign_in import views

urlpatterns = [
    path("login/", views.sign_in, name="account_login"),
    path("confirm/", views.ConfirmPage.as_view(), name="account_reauthenticate"),
    path("second-factor/", views.SecondFactorPage.as_view(), name="mfa_authenticate"),
    path("second-factor/set-up/", views.SetUpPage.as_view(), name="mfa_activate_totp"),
    path("second-factor/codes/", views.CodesPage.as_view(), name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", views.NewCodesPage.as_view(), name="mfa_generate_recovery_codes"),
]
