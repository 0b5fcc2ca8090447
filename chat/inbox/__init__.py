"""The agents' inbox: what its socket may be asked, and how it shows conversations."""
