"""The engine, and the Session that each request gets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, SQLModel, create_engine

from experiments.baselines.tutorial.settings import settings

RETRY_S = 0.5

engine = create_engine(settings.database_url.get_secret_value())


def create_tables() -> None:
    """Create the tables; tried again until the database is up and no other replica is creating them at the same moment."""
    while True:
        try:
            SQLModel.metadata.create_all(engine)
        except SQLAlchemyError:
            time.sleep(RETRY_S)
        else:
            return


def get_session() -> Iterator[Session]:
    """A Session for one request."""
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]
