"""FeatureHub's own nouns as immutable values: identifiers, roles, feature types, SDK keys. Pure."""
