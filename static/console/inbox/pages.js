/* What the inbox asks of pages and not of its socket. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

/** Somebody has to prove anew who they are, at ``where``. */
export class Unconfirmed extends Error {
  constructor(where) {
    super();
    this.where = where;
  }
}

/** Post to an address that was written for nobody's id. Throws an error with what the server said about it. */
export async function post(address, id) {
  const token = document.querySelector("#inbox [name=csrfmiddlewaretoken]").value;
  const answer = await fetch(address.replace(NOBODY, id), {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": token },
    redirect: "error",
  }).catch(() => {
    throw new Error();
  });
  const said = await answer.json().catch(() => ({}));
  if (said.confirm) throw new Unconfirmed(said.confirm);
  if (!answer.ok) throw new Error(said.problem ?? "");
  return said;
}
