"""Where every result came from: records, written as results are, and what an audit finds by them."""
