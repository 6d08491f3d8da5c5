"""Reports as charts, pages and files: what is drawn and written from the answers of the views.

The forms of a document are pure (`charts`, `markup`, `tables`); rendering is the work of a process
of its own (`rendering`), because it takes a processor for tens of milliseconds at a time.
"""
