"""TRL's trainers, fed with token ids of our own: the only package that touches TRL's insides."""
