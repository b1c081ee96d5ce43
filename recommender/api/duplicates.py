from recommender.api.doors import Door


class Duplicates(Door):
    pass
