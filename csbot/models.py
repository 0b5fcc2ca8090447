from csbot.accounts.models import Authenticator, RecoveryCode, RoleGroup, SignInAttempt

__all__ = ["Authenticator", "RecoveryCode", "RoleGroup", "SignInAttempt"]
