"""What recommender does when catalog announces something."""
