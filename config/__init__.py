"""The assembled server: settings, URL configuration, the API's root and the console's site.

What lives here knows every app and is imported by none of them.
"""
