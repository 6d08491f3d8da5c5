"""`rapport demo`: drives the public API over HTTP like a partner, shows what happens, and checks it.

Of the product's inside it uses only what scripted learners say and the word for the customer's mood.
"""
