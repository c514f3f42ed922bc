"""How operators sign in: password, lock-out, second factor, and what a session must bring to go on.

allauth and axes do the work; here are their adapters, forms and pages, and the gate in front of everything an
operator's session opens. Nothing else imports it: settings and URL configuration name it.
"""
