"""Assign Products: looks at rules, queries and templates again."""

from __future__ import annotations

from connector.plugins.api import AccountSubject, Action, ActionContext, Outcome, actions


@actions.register
class AssignProducts(Action):
    """Assigns the products of the account's store to listing templates, a batch at a time.

    Calls: none. Repeatable: a batch is one transaction, and what is assigned already is passed over.
    """

    identifier = "assign_products"
    label = "Assign Products"
    subject = "account"
    icon = "list-checks"

    def run(self, subject: AccountSubject, context: ActionContext) -> Outcome:
        """How far it is; more is to come until everything was looked at."""
        message, finished = context.desk.assign_products(subject.id)
        return Outcome(message, wait=None if finished else 0)
