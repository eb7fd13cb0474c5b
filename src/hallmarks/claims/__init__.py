"""The paper's claims: their kinds, how they are judged from measures, and the page that shows it."""
