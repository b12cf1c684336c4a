"""Demo auth service: what an ordinary FastAPI service behind Traefik ForwardAuth looks like.

Log in for a JWT, present it as `Authorization: Bearer …`; `validate` answers 200 or 401. It logs nothing of
its own: the access lines are uvicorn's.
"""

import hmac
import os
import secrets
import sys
import time

import jwt
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, Field

USER = os.environ.get("DEMO_USER") or "demo"
PASSWORD = os.environ.get("DEMO_PASSWORD", "")
# Without one, a new secret at each start: tokens from before a restart are then refused.
SECRET = os.environ.get("JWT_SECRET") or secrets.token_urlsafe(48)
ALGORITHM = "HS256"

if not PASSWORD:
    sys.exit("DEMO_PASSWORD is not set: the demo user has no default password")
if len(SECRET) < 32:
    sys.exit("JWT_SECRET is too short: at least 32 characters")

app = FastAPI(title="authtail demo auth", docs_url=None, redoc_url=None, openapi_url=None)


class Login(BaseModel):
    username: str = Field(max_length=100)
    password: str = Field(max_length=100)
    # Short lives are for the load generator, which needs expired tokens.
    expires_in: int = Field(default=900, ge=1, le=3600)


@app.post("/api/v1/auth/login")
async def login(body: Login) -> dict[str, str | int]:
    known = hmac.compare_digest(body.username.encode(), USER.encode())
    right = hmac.compare_digest(body.password.encode(), PASSWORD.encode())
    if not (known and right):
        raise HTTPException(401, "wrong user or password")
    now = int(time.time())
    claims = {"sub": USER, "iat": now, "exp": now + body.expires_in}
    token = jwt.encode(claims, SECRET, algorithm=ALGORITHM)
    return {"access_token": token, "token_type": "bearer", "expires_in": body.expires_in}


@app.get("/api/v1/auth/validate")
async def validate(request: Request) -> Response:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise refused("missing token")
    try:
        claims = jwt.decode(token, SECRET, algorithms=[ALGORITHM], options={"require": ["sub", "exp"]})
    except jwt.ExpiredSignatureError:
        raise refused("token expired") from None
    except jwt.InvalidTokenError:
        raise refused("invalid token") from None
    return Response(status_code=200, headers={"X-Auth-User": claims["sub"]})


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


def refused(why: str) -> HTTPException:
    return HTTPException(401, why, headers={"WWW-Authenticate": "Bearer"})
