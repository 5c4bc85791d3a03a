"""Pure computation: frames of trials in, frozen values and frames out; knows neither files nor pages.

The unit of replication is the trial. Every function that speaks of a treatment first makes one number of each trial, then an
estimate over those numbers; requests of different trials are never put together.
"""
